"""Loads prompt files and fills their placeholders.

A file opens with ``name: value`` lines (``version``, and ``system`` for what a chat model is told
beforehand), then come sections parted by ``---`` lines: first the frame, then worked examples.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_PART = "\n---\n"
PACKAGE = "app.domain.prompts"


@dataclass(frozen=True, slots=True)
class PromptFile:
    """One prompt file; `name` is its path without the ending, e.g. ``self_instruct/propose.en``.

    `version` counts up, and is ``sha256:...`` where a user's texts stand in the place of ours.
    """

    name: str
    version: int | str
    frame: str
    examples: tuple[str, ...] = ()
    system: str | None = None

    @property
    def label(self) -> str:
        """The name with its version, as stored with every call: ``self_instruct/propose.en@1``."""
        return f"{self.name}@{self.version}"


@cache
def prompt_file(method: str, step: str, language: str = "en") -> PromptFile:
    """Return the file of a method's step; FileNotFoundError where there is none."""
    name = f"{method}/{step}.{language}"
    text = resources.files(PACKAGE).joinpath(f"{name}.txt").read_text(encoding="utf-8")
    return parse_prompt_file(name, text)


def parse_prompt_file(name: str, text: str) -> PromptFile:
    """Read the text of a prompt file; ValueError names what is wrong with it."""
    head, *sections = text.removesuffix("\n").split(_PART)
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    unknown = fields.keys() - {"version", "system"}
    if unknown or not sections or not fields.get("version", "").isdigit():
        raise ValueError(f"{name}: wants `version: N`, `system: ...` or nothing else, then ---")
    frame, *examples = sections
    return PromptFile(name, int(fields["version"]), frame, tuple(examples), fields.get("system"))


def fill(frame: str, values: Mapping[str, str]) -> str:
    """Put the values in the places of ``{{name}}``, once: what a value holds is not looked at.

    KeyError names a placeholder that has no value.
    """
    return _PLACEHOLDER.sub(lambda found: values[found[1]], frame)


def placeholders(frame: str) -> tuple[str, ...]:
    """The names in double braces, each once, in the order of the text."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(frame)))
