"""Drops a row that holds words of a prompt or marks of a chat's form."""

import re
from dataclasses import dataclass

from app.domain.filter import parts
from app.domain.options import option
from app.domain.records import Instance

_LEAKS = re.compile(
    # marks that open and close the turns of a chat
    r"<\|(?:im_start|im_end|endoftext|eot_id|begin_of_text|(?:start|end)_header_id|eom_id"
    r"|system|user|assistant|end)\|>"
    r"|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|\[\|(?:Human|AI)\|\]"
    # Alpaca's layout of a training row
    r"|^### ?(?:Instruction|Response|Input):"
    # Evol-Instruct's headings, and the openings of Alpaca's and Self-Instruct's prompts
    r"|#[^#\n]{0,20}(?:prompt|task|任务)#|\b(?:rewritten|created) (?:prompt|task)\b"
    r"|\bcome up with (?:a set of \d+ diverse task|a series of tasks)|改写后的任务|新建的任务",
    re.IGNORECASE | re.MULTILINE,
)

# One of these is in every leak; looking for them is many times faster.
_SIGNS = (
    *("<|", "[inst", "[/inst", "sys>>", "_of_turn>", "[|", "#", "rewritten", "created "),
    *("come up with", "任务"),
)


@dataclass(frozen=True, slots=True)
class PromptLeak:
    """After WizardLM's fourth rule (Xu et al. 2023, arXiv:2304.12244), for every part of a row."""

    phrases: tuple[str, ...] = option(
        (), "further words that only a prompt would hold, case ignored"
    )

    def reason(self, instruction: str, instance: Instance) -> str | None:
        texts = parts(instruction, instance)
        return "prompt_leak" if any(map(self._leaks, texts)) else None

    def _leaks(self, text: str) -> bool:
        lowered = text.lower()
        if any(sign in lowered for sign in _SIGNS) and _LEAKS.search(text):
            return True
        return any(phrase and phrase.lower() in lowered for phrase in self.phrases)
