"""Replies to a prompt that asks for a task to be rewritten, harder or as a new one."""

import re

from app.demo_teacher.grammar.speech import Speech
from app.demo_teacher.protocol import Prompt
from app.demo_teacher.reading import last_task

UNCHANGED_SHARE, LEAK_SHARE, SORRY_SHARE = 0.04, 0.02, 0.02

_GIVEN = re.compile(
    r"#+[^#\n]*(?:given|original|old|原)[^#\n]*#+:?[ \t]*\n+(.*?)(?=\n[ \t]*#|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_FENCED = re.compile(r"(?:<<<|```|<\w+>)\s*\n?(.*?)\n?\s*(?:>>>|```|</\w+>)", re.DOTALL)
_BREADTH = re.compile(
    r"brand.new|created prompt|create a new|different task|new task|全新", re.IGNORECASE
)


def given_task(prompt: Prompt) -> str:
    """The task to be rewritten: behind its mark, inside a fence, else the prompt's last task."""
    found = list(_GIVEN.finditer(prompt.last)) or list(_FENCED.finditer(prompt.last))
    return found[-1][1].strip() if found else last_task(prompt)


def evolve(speech: Speech, prompt: Prompt) -> str:
    """The rewritten task; a few come back unchanged, leak the prompt's words, or are refused."""
    task = given_task(prompt)
    luck = speech.rng.random()
    if luck < UNCHANGED_SHARE:
        return task
    if luck < UNCHANGED_SHARE + LEAK_SHARE:
        return f"#Rewritten Prompt#:\n{speech.harder(task)}"
    if luck < UNCHANGED_SHARE + LEAK_SHARE + SORRY_SHARE:
        return "I am sorry, but I cannot rewrite this."
    return speech.instruction() if _BREADTH.search(prompt.last) else speech.harder(task)
