"""The turns of a row: those of its dialogue, or its task and its answer."""

from collections.abc import Sequence

from app.domain.records import Message, Role, Row


def turns(row: Row, separator: str = "\n\n") -> Sequence[Message]:
    """All messages of a row, the user's first; an input follows its instruction."""
    if row.messages:
        return row.messages
    task = f"{row.instruction}{separator}{row.input}" if row.input.strip() else row.instruction
    return (Message(Role.USER, task), Message(Role.ASSISTANT, row.output))
