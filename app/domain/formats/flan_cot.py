"""Questions with their answer and the reasoning before it, as Flan 2022 keeps its CoT sets.

Longpre et al. 2023, https://arxiv.org/abs/2301.13688: tab-separated lines without a header, in
which a line end within a text is written as a backslash and an n.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format
from app.domain.options import option
from app.domain.records import Row
from app.domain.turns import several_turns, task_text

# What a cell cannot hold, or could not be told from a line end when it is read.
_UNWRITABLE = (("\t", "tab"), ("\r", "carriage_return"), ("\\n", "literal_backslash_n"))


@dataclass(frozen=True, kw_only=True)
class FlanCot(Format):
    """Three columns: question, answer, chain of thought.

    A row that names its `chain_of_thought` and `answer` among its facts is taken at its word; of
    any other, the output is parted at the last of `marks`.
    """

    name: ClassVar[str] = "flan_cot"
    file_suffix: ClassVar[str] = ".tsv"
    description: ClassVar[str] = "Flan's chain-of-thought lines: question, answer, reasoning."

    marks: tuple[str, ...] = option(
        ("the answer is", "final answer:", "####", "答案是", "答案为"),
        "what stands between reasoning and answer in an output, in any case",
    )
    separator: str = option("\n", "what stands between the instruction and its input")

    def unfit(self, row: Row) -> str | None:
        """A row without reasoning before an answer is none of these; nor can all texts be cells."""
        if several_turns(row):
            return several_turns(row)
        cells = self._cells(row)
        if not all(cells):
            return "no_reasoning_before_an_answer"
        return next((name for char, name in _UNWRITABLE if any(char in c for c in cells)), None)

    def line(self, row: Row) -> Mapping[str, object]:
        """The three texts; the file writes their line ends as a backslash and an n."""
        names = ("question", "answer", "chain_of_thought")
        return dict(zip(names, self._cells(row), strict=True))

    def _cells(self, row: Row) -> tuple[str, str, str]:
        chain, answer = row.facts.get("chain_of_thought", ""), row.facts.get("answer", "")
        if not chain or not answer:
            chain, answer = self._parted(row.output)
        return task_text(row, self.separator), answer, chain

    def _parted(self, output: str) -> tuple[str, str]:
        marks = "|".join(re.escape(each) for each in self.marks if each)
        found = list(re.finditer(marks, output, re.IGNORECASE)) if marks else []
        if not found:
            return "", ""
        # The sentence that holds the mark ("So the answer is 7.") is no part of the reasoning.
        before = re.sub(r"(?i)\b(so|therefore|thus|hence),?\s*$", "", output[: found[-1].start()])
        return before.strip(), output[found[-1].end() :].strip().removeprefix(":").strip(" 。.")
