"""Drops a row whose answer begins by declining the task."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re
from dataclasses import dataclass

from app.domain.filter import answers, parts
from app.domain.options import option
from app.domain.records import Instance

_UNABLE = (
    r"(?:(?:can(?:not|['’]?t| not)|won['’]?t|will not|must decline to|(?:am|are|['’]m|['’]re)"
    r" (?:unable|not able|not allowed|not permitted|not in a position)(?: to)?"
    r"|do not have the (?:ability|capability) to|don['’]t have the (?:ability|capability) to)"
    r"(?: be able to| currently| directly| physically| really| actually)?)"
)
_DOES = (
    r" (?:assist|help|provid|fulfil|compl[yei]|answer|generat|creat|produc|writ|engag"
    r"|support|discuss|shar|giv|perform|process|access|open|see|view|display|show|draw|play|browse"
    r"|participat|offer|respond|send|execut|carry)"
)
_SORRY = (
    r"(?:(?:unfortunately|regrettably|(?:i(?:['’]m| am) |we(?:['’]re| are) )?(?:\w+ )?"
    r"(?:sorry|afraid)|i apologi[sz]e|(?:my )?apologies)[^.!?\n]{0,40}?[,.;:!]?\s*"
    r"(?:but |however,? |that )?)?"
)
_ENGLISH = re.compile(rf"\s*[\"“]?{_SORRY}(?:I|we) ?{_UNABLE}{_DOES}", re.IGNORECASE)
_CHINESE = re.compile(
    r"\s*(?:(?:我)?(?:很|非常|真的|十分)?(?:抱歉|对不起|遗憾|不好意思)[^。！？\n]{0,30}?"
    r"(?:无法|不能|没有?办法|不便|不会)"
    r"|(?:作为[^，。\n]{0,20}，\s*)?我(?:无法|不能)"
    r"(?:提供|帮助|协助|回答|完成|满足|生成|访问|查看|执行|参与|给出))"
)
_OF_REFUSING = re.compile(
    r"\b(?:sorry|apolog|refus|declin|reject|regret)|抱歉|对不起|道歉|拒绝|遗憾", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """After WizardLM's second rule (Xu et al. 2023, arXiv:2304.12244) and h2o-wizardlm's.

    There a short answer with «sorry» in it is one; here the answer must open with who cannot do
    what. A task that itself speaks of refusing or of being sorry is left alone.
    """

    spare_tasks_of_refusing: bool = option(
        True, "leave a row alone whose task itself speaks of refusals or of being sorry"
    )

    def reason(self, instruction: str, instance: Instance) -> str | None:
        if not any(_ENGLISH.match(text) or _CHINESE.match(text) for text in answers(instance)):
            return None
        asked = parts(instruction, instance, ("instruction", "input"))
        if self.spare_tasks_of_refusing and any(map(_OF_REFUSING.search, asked)):
            return None
        return "refusal"
