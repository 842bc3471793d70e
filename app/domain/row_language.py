"""Drops what is in another language than its job's, whichever method made it, by name.

What a person wrote is never judged, nor what is made of it in its own language: a seed may be in
any. An output may be in another language where its task speaks of languages, or is in it itself.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import overload

from app.domain.filters.wrong_language import WRONG_LANGUAGE
from app.domain.foreign import SURE_OF_OUTPUT, is_english_prose, is_foreign
from app.domain.method import Method
from app.domain.records import Answer, Candidate, Instance, Role
from app.domain.spoken import SpokenMethod

_SPEAKS_OF_LANGUAGES = re.compile(
    r"\b(translat\w*|languages?|multilingual|bilingual|foreign|dialects?|pronounc\w*|idioms?"
    r"|(?:in|into|to|from) latin|latin (?:words?|phrases?|names?)"
    r"|english|spanish|french|german|italian|portuguese|dutch|swedish|norwegian|danish|finnish"
    r"|polish|czech|russian|ukrainian|greek|turkish|arabic|hebrew|hindi|urdu|bengali|thai"
    r"|vietnamese|indonesian|malay|swahili|korean|japanese|chinese|mandarin|cantonese|pinyin"
    r"|espanol|fran[cç]ais|deutsch|lyrics|lorem ipsum)\b"
    r"|翻译|译[成为文]|语言|外语|拼音|方言|[英法德日韩俄汉]语|[英法德日韩俄中]文|西班牙|葡萄牙|意大利|拉丁",
    re.IGNORECASE,
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_KANA_OR_HANGUL = re.compile(r"[\u3041-\u30ff\uac00-\ud7a3]")
_LATIN = re.compile(r"[A-Za-z]")
_CODE = re.compile(
    r"^[ \t]*(?:[{}<>\[\]]|def |class |import |from \w+ import|#include|function |var |let |const "
    r"|public |private |SELECT |INSERT |UPDATE |CREATE |<\?|//|/\*|\$ |>>>)"
    r"|[;{}][ \t]*$|\w\([^()\n]{0,200}\)[ \t]*[:;{]?[ \t]*$",
    re.MULTILINE,
)


def speaks_of_languages(text: str) -> bool:
    """Whether a task may want an answer in another language than its own."""
    return _SPEAKS_OF_LANGUAGES.search(text) is not None


def is_foreign_output(instruction: str, instance: Instance, wanted: str) -> bool:
    """Whether an output is plainly not in the language `wanted`, and its task gives no reason."""
    output = _said(instance)
    task = f"{instruction}\n{instance.input}"
    strange = (
        _is_foreign_chinese(output)
        if wanted == "zh"
        else is_foreign(output, wanted, sure=SURE_OF_OUTPUT)
    )
    if not strange or speaks_of_languages(task) or _CODE.search(output):
        return False
    return not (is_foreign(instance.input, wanted) or is_foreign(instruction, wanted))


@overload
def judged_language(
    method: Method, outcome: Sequence[Candidate], sources: Sequence[str]
) -> Sequence[Candidate]: ...


@overload
def judged_language(method: Method, outcome: Answer, sources: Sequence[str]) -> Answer: ...


def judged_language(
    method: Method, outcome: Sequence[Candidate] | Answer, sources: Sequence[str]
) -> Sequence[Candidate] | Answer:
    """What a conversation returned, with ``wrong_language`` as the last reason where it applies.

    `sources` are the instructions that it was made from: those shown, or the one answered.
    """
    if not isinstance(method, SpokenMethod) or not method.check_language:
        return outcome
    if isinstance(outcome, Answer):
        instruction = next(iter(sources), "")
        judged = (_judged(instruction, each, method.wanted_language) for each in outcome.instances)
        return replace(outcome, instances=tuple(judged))
    return [_judged_candidate(method, each, sources) for each in outcome]


def _judged(instruction: str, instance: Instance, wanted: str) -> Instance:
    if instance.dropped or not is_foreign_output(instruction, instance, wanted):
        return instance
    return replace(instance, reasons=(WRONG_LANGUAGE,))


def _judged_candidate(
    method: SpokenMethod, candidate: Candidate, sources: Sequence[str]
) -> Candidate:
    """A method may have judged already, but by the text alone: what it said is said again."""
    text = candidate.instruction
    others = tuple(each for each in candidate.reasons if each != WRONG_LANGUAGE)
    own = () if text in sources else method.language_reasons(text, sources)
    return replace(candidate, reasons=others + own)


def _is_foreign_chinese(output: str) -> bool:
    """An output with Chinese in it is Chinese; one without may be code, a name, a formula."""
    han, neighbours = len(_HAN.findall(output)), len(_KANA_OR_HANGUL.findall(output))
    if neighbours > han:
        return True
    if 10 * han >= len(_LATIN.findall(output)) > 0 or (han and not is_english_prose(output)):
        return False
    return is_english_prose(output) or is_foreign(output, "en", sure=SURE_OF_OUTPUT)


def _said(instance: Instance) -> str:
    """An output; of a dialogue all that the assistant says."""
    if not instance.messages:
        return instance.output
    said = (each.content for each in instance.messages if each.role is Role.ASSISTANT)
    return "\n".join(said)
