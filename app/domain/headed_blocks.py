"""Alpaca's published prompt: headed blocks with blank lines between, the answer's heading last.

Taori et al. 2023, https://github.com/tatsu-lab/stanford_alpaca. The sentences above the blocks are
our own and an option wherever they are used.
"""

from app.domain.records import Row

PREAMBLE = "The task below is given as an instruction. Answer it in full."
PREAMBLE_WITH_INPUT = (
    "The task below is given as an instruction, and its input follows it. Answer it in full."
)


def headed_blocks(row: Row, *, preamble: str, preamble_with_input: str) -> str:
    """The prompt up to and including its last heading, with no line end behind it.

    A row without input has no block for it; an empty preamble is left out.
    """
    has_input = bool(row.input.strip())
    above = preamble_with_input if has_input else preamble
    blocks = [above] if above else []
    blocks.append(f"### Instruction:\n{row.instruction}")
    if has_input:
        blocks.append(f"### Input:\n{row.input}")
    return "\n\n".join([*blocks, "### Response:"])
