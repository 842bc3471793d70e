"""The turns of a row: those of its dialogue, or its task and its answer."""

from collections.abc import Mapping, Sequence

from app.domain.records import Message, Role, Row


def turns(row: Row, separator: str = "\n\n") -> Sequence[Message]:
    """All messages of a row, the user's first; an input follows its instruction."""
    if row.messages:
        return row.messages
    return (Message(Role.USER, task_text(row, separator)), Message(Role.ASSISTANT, row.output))


def task_text(row: Row, separator: str = "\n\n") -> str:
    """The instruction, and behind it the input if there is one."""
    return f"{row.instruction}{separator}{row.input}" if row.input.strip() else row.instruction


def several_turns(row: Row) -> str | None:
    """Why a layout of one task and one answer cannot carry the row; None if it can."""
    return "several_turns" if len(row.messages) > 2 else None


def no_last_answer(row: Row) -> str | None:
    """Why nothing can be learnt from the last message of a row; None if it is an answer."""
    last = turns(row)[-1]
    if last.role is not Role.ASSISTANT:
        return "no_answer_at_the_end"
    return None if last.content.strip() else "empty_output"


def as_messages(row: Row, separator: str, system: str = "") -> list[Mapping[str, str]]:
    """The turns as chat templates read them, behind a system message if there is one."""
    said = [_message(each.role, each.content) for each in turns(row, separator)]
    return [_message("system", system), *said] if system else said


def _message(role: str, content: str) -> Mapping[str, str]:
    return {"role": str(role), "content": content}
