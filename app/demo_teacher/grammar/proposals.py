"""Replies to a prompt that shows numbered instructions and asks for more."""

import re

from app.demo_teacher.grammar.speech import Speech
from app.demo_teacher.protocol import Prompt
from app.demo_teacher.reading import asked_count, lead_of, next_number, open_number, shown_items

FEWEST, MOST = 5, 8
_CLASSIFICATION_LEAD = re.compile(r"classification|分类任务", re.IGNORECASE)


def propose(speech: Speech, prompt: Prompt, *, duplicate_rate: float, flawed_rate: float) -> str:
    """A numbered list that goes on from the prompt's last number.

    A prompt that ends with a bare `9.` is answered by the text of item 9, then `10. ...`; any
    other by a whole list. Without a number asked for there are 5 to 8 items.
    """
    text = prompt.text
    shown = shown_items(text)
    opened = open_number(text)
    label, number, mark = opened or ("", next_number(text), ".")
    count = asked_count(text) if opened is None else None
    only_classification = _CLASSIFICATION_LEAD.search(lead_of(text)) is not None
    items = (
        _item(speech, shown, duplicate_rate, flawed_rate, only_classification)
        for _ in range(count or speech.rng.randint(FEWEST, MOST))
    )
    lines = [f"{label}{number + i}{mark} {item}" for i, item in enumerate(items)]
    listed = "\n".join(lines)
    return listed[len(f"{label}{number}{mark}") :] if opened else listed


def _item(
    speech: Speech,
    shown: list[str],
    duplicate_rate: float,
    flawed_rate: float,
    only_classification: bool,
) -> str:
    luck = speech.rng.random()
    if luck < duplicate_rate:
        return speech.near_copy(shown)
    if luck < duplicate_rate + flawed_rate:
        return speech.flawed()
    return speech.instruction(only_classification=only_classification)
