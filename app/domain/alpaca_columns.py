"""The columns of the Stanford Alpaca dataset, which many others took over.

Taori et al. 2023, https://github.com/tatsu-lab/stanford_alpaca.
"""

from app.domain.records import Row


def alpaca_columns(row: Row, *, with_id: bool = False) -> dict[str, object]:
    """`instruction`, `input` and `output`, with the row's `id` in front if asked for.

    Trainers that know Alpaca build the prompt themselves and tell a task without input by the
    empty text, so an input of nothing but white space is written as the empty text.
    """
    columns: dict[str, object] = {"id": row.id} if with_id else {}
    columns["instruction"] = row.instruction
    columns["input"] = row.input if row.input.strip() else ""
    columns["output"] = row.output
    return columns
