"""Prompt texts that a user puts in the place of ours: what may stand in them, and their version.

A text is named for its step, or ``STEP.system`` for what a chat model is told beforehand. It holds
``{{name}}`` placeholders from the fixed list of its step and nothing else that is looked at, so
there is nothing that a text could reach. Worked examples stay those of our file.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib import resources

from app.domain.language import Language
from app.domain.prompts.library import PACKAGE, PromptFile, placeholders, prompt_file
from app.errors import Problem

SYSTEM = ".system"
MOST_CHARACTERS = 20_000
# Numbers, personas and marks that a text may do without; every other placeholder of our frame is
# what the prompt is about, and must be there.
_CONVENIENCES = {
    *("next", "last", "total", "count", "rounds", "instances", "end"),
    *("user_persona", "assistant_persona", "system_turn", "lowest", "highest"),
}
_BRACED = re.compile(r"\{\{([^{}\n]{0,80})\}\}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class PromptText:
    """One text that may be replaced: ours by language, and the placeholders it may hold.

    Those of `required` must be there. `{{examples}}` of a step with `examples` is filled with so
    many worked examples of ours.
    """

    name: str
    texts: Mapping[str, str]
    placeholders: tuple[str, ...]
    required: tuple[str, ...]
    examples: int


@cache
def prompt_texts(method: str) -> Sequence[PromptText]:
    """The texts of a method that may be replaced, in the order of their names."""
    folder = resources.files(PACKAGE).joinpath(method)
    names = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
    ending = f".{Language.ENGLISH}.txt"
    steps = [name.removesuffix(ending) for name in names if name.endswith(ending)]
    return [text for step in steps for text in _texts_of(method, step)]


def text_problems(method: str, given: Mapping[str, object]) -> Iterator[Problem]:
    """Everything that is wrong with a user's texts for a method; pointers begin at ``/prompts``."""
    known = {each.name: each for each in prompt_texts(method)}
    for name, text in given.items():
        pointer = f"/prompts/{name[:80]}"
        if name not in known:
            yield Problem(pointer, "unknown_step", _unknown_step(name, list(known)))
        elif not isinstance(text, str):
            yield Problem(pointer, "wrong_type", "must be text")
        else:
            yield from _faults(pointer, known[name], text)


def with_own_texts(file: PromptFile, step: str, given: Mapping[str, str]) -> PromptFile:
    """A file of ours with what a user gave in its place; its version is then a hash of the texts.

    An empty text in the place of a system message sends none.
    """
    if step not in given and step + SYSTEM not in given:
        return file
    system = given.get(step + SYSTEM, file.system) or None
    own = replace(file, frame=given.get(step, file.frame), system=system)
    seen = json.dumps([own.frame, own.system, own.examples])
    return replace(own, version=f"sha256:{hashlib.sha256(seen.encode()).hexdigest()[:16]}")


def versions(method: str, language: str, given: Mapping[str, str]) -> Mapping[str, str]:
    """The version that every replaced text has in the calls of its job, by name."""
    known = [each.name for each in prompt_texts(method) if each.name in given]
    steps = {name: name.removesuffix(SYSTEM) for name in known}
    return {
        name: with_own_texts(prompt_file(method, step, language), step, given).label
        for name, step in steps.items()
    }


def _texts_of(method: str, step: str) -> Iterator[PromptText]:
    files = {str(each): prompt_file(method, step, each) for each in Language}
    ours = files[Language.ENGLISH]
    in_frame, in_system = placeholders(ours.frame), placeholders(ours.system or "")
    allowed = tuple(dict.fromkeys(in_frame + in_system))
    own_examples = {"examples"} if ours.examples else set[str]()
    required = tuple(each for each in in_frame if each not in _CONVENIENCES | own_examples)
    frames = {language: each.frame for language, each in files.items()}
    yield PromptText(step, frames, allowed, required, len(ours.examples))
    if ours.system is not None:
        systems = {language: each.system or "" for language, each in files.items()}
        yield PromptText(step + SYSTEM, systems, allowed, (), 0)


def _faults(pointer: str, known: PromptText, text: str) -> Iterator[Problem]:
    if len(text) > MOST_CHARACTERS:
        detail = f"at most {MOST_CHARACTERS:,} characters, not {len(text):,}"
        yield Problem(pointer, "too_long", detail)
        return
    if _UNSTORABLE.search(text):
        yield Problem(pointer, "control_character", "holds NUL or half a character; take it out")
    if not text.strip() and not known.name.endswith(SYSTEM):
        yield Problem(pointer, "blank", f"must not be blank. {_may_hold(known)}")
        return
    for name in dict.fromkeys((*_BRACED.findall(text), *placeholders(text))):
        if name not in known.placeholders:
            detail = f"{{{{{name[:80]}}}}} is no placeholder of this step. {_may_hold(known)}"
            yield Problem(pointer, "unknown_placeholder", detail)
    missing = [each for each in known.required if each not in placeholders(text)]
    if missing:
        detail = f"{_braced(missing)} must be in it. {_may_hold(known)}"
        yield Problem(pointer, "missing_placeholder", detail)


def _may_hold(known: PromptText) -> str:
    if not known.placeholders:
        return "This text has no placeholders."
    needed = f", of which it needs {_braced(known.required)}" if known.required else ""
    return f"It may hold {_braced(known.placeholders)}{needed}; no other double braces."


def _braced(names: Sequence[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in names)


def _unknown_step(name: str, known: list[str]) -> str:
    if not known:
        return "this method sends no prompts of ours"
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"the method has no text of that name; {hint}known: {', '.join(known)}"
