"""Cuts a transcript into turns that alternate strictly: a person, an assistant, a person, ..."""

import re
from collections.abc import Sequence

from app.domain.parsing.text import after_marks, without_fence
from app.domain.records import Message, Role

END = "[END]"

_MARK = re.compile(
    r"^[ \t]*(?:\*\*)?\[\|?(Human|AI)\|?\](?:\*\*)?[ \t]*[:\uff1a]?(?:\*\*)?[ \t]*", re.MULTILINE
)
_ANY_MARK = re.compile(r"\[\|?(?:Human|AI)\|?\]")
_ROLES = {"Human": Role.USER, "AI": Role.ASSISTANT}


def published_turns(transcript: str) -> Sequence[Message]:
    """Read as Baize's released code did: the first and the last piece between ``[Human]`` are lost.

    A piece without exactly one ``[AI]`` ends the dialogue; what came before it is kept.
    """
    turns: list[Message] = []
    for piece in transcript.split("[Human]")[1:-1]:
        parts = piece.split("[AI]")
        if len(parts) != 2:
            break
        turns.append(Message(Role.USER, parts[0].strip()))
        turns.append(Message(Role.ASSISTANT, parts[1].strip()))
    return turns


def tolerant_turns(transcript: str, *, cut: bool = False) -> Sequence[Message]:
    """Read marks at the start of a line, as long as the turns alternate and none is empty.

    The last exchange is kept; of a transcript that was `cut` by its length, only if its last turn
    is not needed for it.
    """
    text = without_fence(transcript).partition(END)[0]
    pieces = list(after_marks(text, _MARK))
    turns: list[Message] = []
    for mark, piece in pieces[: len(pieces) - cut]:
        wanted = Role.ASSISTANT if len(turns) % 2 else Role.USER
        content = piece.strip()
        if _ROLES[mark[1]] is not wanted or not content:
            break
        turns.append(Message(wanted, content))
    return turns[: len(turns) - len(turns) % 2]


def one_turn(reply: str) -> str:
    """What one speaker says: up to the first mark of either, but for one that opens it."""
    text = _MARK.sub("", reply.lstrip(), count=1) if _MARK.match(reply.lstrip()) else reply
    found = _ANY_MARK.search(text)
    return (text[: found.start()] if found else text).strip()


def as_transcript(turns: Sequence[Message]) -> str:
    """Turns as the lines that the readers here take apart again."""
    names = {Role.USER: "[Human]", Role.ASSISTANT: "[AI]"}
    return "\n".join(f"{names[each.role]} {each.content}" for each in turns)
