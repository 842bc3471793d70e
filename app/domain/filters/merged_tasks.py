"""Drops a row whose answer runs on into the next task of the teacher's list."""

import re
from dataclasses import dataclass

from app.domain.filter import answers
from app.domain.records import Instance

_NEXT_TASK = re.compile(r"\n\d+\. ?(?:Instruction|指令)")


@dataclass(frozen=True, slots=True)
class MergedTasks:
    """A noise class of AlpacaDataCleaned (https://github.com/gururise/AlpacaDataCleaned).

    It comes of Alpaca's form, ``7. Instruction:``, when a reply is cut at the wrong places.
    """

    def reason(self, instruction: str, instance: Instance) -> str | None:
        found = any(_NEXT_TASK.search(text) for text in answers(instance))
        return "merged_tasks" if found else None
