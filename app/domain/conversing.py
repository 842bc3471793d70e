"""Carry a conversation on from the completions that it has had so far: restart is replay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.domain.method import Completion, Conversation, Prompt

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Finished(Generic[Outcome]):
    """What a conversation returned."""

    outcome: Outcome


def carry_on(
    conversation: Conversation[Outcome], completions: Sequence[Completion]
) -> Prompt | Finished[Outcome]:
    """The next prompt, or what the conversation returned once it needs no more."""
    try:
        prompt = next(conversation)
        for completion in completions:
            prompt = conversation.send(completion)
    except StopIteration as stop:
        return Finished(stop.value)
    return prompt


def go_on(
    conversation: Conversation[Outcome], completion: Completion
) -> Prompt | Finished[Outcome]:
    """The same for a conversation that is under way and waits for this completion."""
    try:
        return conversation.send(completion)
    except StopIteration as stop:
        return Finished(stop.value)
