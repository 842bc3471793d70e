"""Plays a method's conversation with given completions, and finds the recorded real data."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.domain.method import Completion, Conversation, Outcome, Prompt
from app.domain.methods.self_instruct import SelfInstruct
from app.domain.profiles import configure

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
