"""What our own trainer takes: prompts with completions, each with its row's id and its split."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format
from app.domain.handoff import EOS, Layout, Split
from app.domain.headed_blocks import PREAMBLE, PREAMBLE_WITH_INPUT, headed_blocks
from app.domain.options import option
from app.domain.records import Row
from app.domain.splitting import HELD_OUT, TRAIN
from app.domain.turns import as_messages, no_last_answer, several_turns

_SPLITS = {TRAIN: Split.TRAIN, HELD_OUT: Split.SEEDS}


@dataclass(frozen=True, kw_only=True)
class Handoff(Format):
    """`{"prompt", "completion", "id", "split"}`: two texts, or two lists of messages.

    A text prompt ends in `### Response:` and a line end, so that it ends where a token does. A list
    holds everything up to the last answer, which is the completion. No end mark is written: the
    trainer appends its tokenizer's, as the manifest says (`"eos": "append"`). The trainer learns
    from the split `train` and measures by the others: `held_out`, which are validation and test,
    and `seeds`, the tasks of people that no teacher was shown.
    """

    name: ClassVar[str] = "handoff"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "What the trainer takes: prompt, completion, id and split."
    names_split: ClassVar[bool] = True

    layout: Layout = option(Layout.TEXT, "one text in Alpaca's blocks, or a list of messages")
    preamble: str = option(PREAMBLE, "the sentence above a task without input; empty leaves it out")
    preamble_with_input: str = option(
        PREAMBLE_WITH_INPUT, "the sentence above a task with input; empty leaves it out"
    )
    system: str = option("", "a system message at the start of each list of messages")
    separator: str = option("\n\n", "what stands between instruction and input in a message")

    with_score: bool = option(
        False, "add the score that a judge gave to the row as `score`, null where none did"
    )

    with_classification: bool = option(
        False, "add whether the answer is a label, so that exact match is measured of those"
    )

    @property
    def wants_score(self) -> bool:
        """As the option says."""
        return self.with_score

    def unfit(self, row: Row) -> str | None:
        """Nothing can be learnt from an empty answer; a text holds no dialogue."""
        return (several_turns(row) if self._is_text() else None) or no_last_answer(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The row as the trainer reads it."""
        prompt, completion = self._text(row) if self._is_text() else self._messages(row)
        line: dict[str, object] = {
            "prompt": prompt,
            "completion": completion,
            "id": row.id,
            "split": self._split(row),
        }
        if self.with_classification:
            line["is_classification"] = bool(row.is_classification)
        return {**line, "score": row.score} if self.with_score else line

    def facts(self) -> Mapping[str, object]:
        """The layout, and who writes the end mark."""
        return {"layout": str(self.layout), "eos": EOS}

    def _split(self, row: Row) -> Split:
        return _SPLITS.get(row.split, Split.HELD_OUT)

    def _is_text(self) -> bool:
        return self.layout is Layout.TEXT

    def _text(self, row: Row) -> tuple[object, object]:
        above = {"preamble": self.preamble, "preamble_with_input": self.preamble_with_input}
        return f"{headed_blocks(row, **above)}\n", row.output

    def _messages(self, row: Row) -> tuple[object, object]:
        messages = as_messages(row, self.separator, self.system)
        return messages[:-1], messages[-1:]
