"""Plays a method's conversation with given completions, and finds the recorded real data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.domain.method import Completion, Conversation, Outcome, Prompt
from app.domain.methods.self_instruct import SelfInstruct
from app.domain.profiles import PublishedMethod, configure
from app.domain.records import Source

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RUNS = ("maulik1", "maulik2", "ez_llama", "ez_gpt")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no recorded data at {DATA}")


def play(
    conversation: Conversation[Outcome], *replies: Completion | str
) -> tuple[list[Prompt], Outcome]:
    """Return the prompts that were yielded and what the conversation returned."""
    prompts = [next(conversation)]
    for position, reply in enumerate(replies):
        completion = Completion(reply, "stop") if isinstance(reply, str) else reply
        try:
            prompts.append(conversation.send(completion))
        except StopIteration as stop:
            assert position == len(replies) - 1, "the conversation ended early"
            return prompts, stop.value
    raise AssertionError("the conversation wants more replies")


def self_instruct(profile: str = "default", **given: object) -> SelfInstruct:
    """Return the method under a profile."""
    method, problems = configure(SelfInstruct, profile, given)
    assert method is not None, problems
    return method


@cache
def json_lines(path: str) -> Sequence[dict[str, Any]]:
    """Return the rows of a JSONL file of the recorded data."""
    with (DATA / path).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


AnyMethod = TypeVar("AnyMethod", bound=PublishedMethod)


def configured(
    method_class: type[AnyMethod], profile: str = "default", **given: object
) -> AnyMethod:
    """Return any method under a profile."""
    method, problems = configure(method_class, profile, given)
    assert method is not None, problems
    return method


@dataclass(frozen=True)
class FakePool:
    """A pool of given seeds and machine rows."""

    seeds: Sequence[Source]
    rows: Sequence[Source] = ()

    @property
    def machine_count(self) -> int:
        return len(self.rows)

    def machine(self, position: int) -> Source:
        return self.rows[position]


def outcome(conversation: Conversation[Outcome]) -> Outcome:
    """Return what a conversation comes to that makes no call."""
    try:
        prompt = next(conversation)
    except StopIteration as stop:
        return stop.value
    raise AssertionError(f"a call is made: {prompt}")
