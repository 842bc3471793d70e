"""Recorded replies under other settings: what a method would accept of them, without paying."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from app.domain import replay
from app.domain.methods import METHODS
from app.domain.profiles import DEFAULT_PROFILE, PublishedMethod, configure
from app.domain.replay import (
    AnswerReplay,
    ClassificationReply,
    InstanceReply,
    InstructionReplay,
    InstructionReply,
)
from app.domain.seed_rows import parse_seed
from app.domain.tokens import Tokens
from app.errors import InvalidInput, Problem
from app.files.checked_rows import BadField, CheckedRows, optional_text, text_field
from app.files.row_files import open_rows
from app.files.whole_file import written_whole

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """The method that reads the replies, its options, and how its pool cuts texts into tokens."""

    method: str = "self_instruct"
    profile: str = DEFAULT_PROFILE
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    tokens: Tokens = Tokens.ROUGE


def replay_instructions(
    settings: ReplaySettings, *, seeds: Path, replies: Path | None, out: Path | None
) -> InstructionReplay:
    """Write what the method accepts of recorded replies of its first step, in order.

    `replies` are rows `{"prompt", "reply", "finish_reason"}` (prompt and finish_reason may be
    missing, a reply may be null); None is standard input, respectively output. The lines are
    `{"instruction", "avg_similarity_score", "most_similar"}`. Raises InvalidInput, and
    InvalidUpload with every bad row named; nothing is written then.
    """
    method = configured(settings)
    with open_rows(seeds) as file:
        rows = CheckedRows(file, _seed)
        instructions = [instruction for _, instruction in rows]
        rows.done()
    with open_rows(replies) as file:
        recorded = CheckedRows(file, _instruction_reply)
        given = [reply for _, reply in recorded]
        recorded.done()
    found = replay.replay_instructions(method, instructions, given, tokens=settings.tokens)
    _write(out, found.accepted)
    return found


def replay_answers(
    settings: ReplaySettings, *, instructions: Path, replies: Path | None, out: Path | None
) -> AnswerReplay:
    """Write the examples in recorded replies of the answering step, in the order of the replies.

    `instructions` are classification rows `{"instruction", "reply"}`, `replies` are rows
    `{"instruction", "reply", "finish_reason"}`, joined by instruction. The lines are
    `{"instruction", "input", "output"}`. Raises as `replay_instructions` does.
    """
    method = configured(settings)
    with open_rows(instructions) as file:
        classified = CheckedRows(file, _classification_reply)
        verdicts = [reply for _, reply in classified]
        classified.done()
    with open_rows(replies) as file:
        recorded = CheckedRows(file, _instance_reply)
        given = [reply for _, reply in recorded]
        recorded.done()
    found = replay.replay_answers(method, verdicts, given)
    _write(out, found.triples)
    return found


def configured(settings: ReplaySettings) -> PublishedMethod:
    """The method with its options; raises InvalidInput with every problem."""
    if settings.method not in METHODS:
        detail = f"unknown method {settings.method!r}; known: {', '.join(METHODS)}"
        raise InvalidInput(
            "There is no such method.", problems=[Problem("/method", "unknown_method", detail)]
        )
    method, problems = configure(METHODS[settings.method], settings.profile, settings.options)
    if method is None:
        raise InvalidInput("The method cannot be set up so.", problems=problems)
    return method


def _write(out: Path | None, values: tuple[object, ...]) -> None:
    with written_whole(out) as file:
        for value in values:
            file.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


def _seed(fields: Fields) -> str:
    seed, problems = parse_seed(fields)
    if seed is None:
        raise BadField(problems[0])
    return seed.instruction


def _instruction_reply(fields: Fields) -> InstructionReply:
    return InstructionReply(
        _reply(fields), optional_text(fields, "finish_reason"), optional_text(fields, "prompt")
    )


def _classification_reply(fields: Fields) -> ClassificationReply:
    return ClassificationReply(text_field(fields, "instruction"), _reply(fields))


def _instance_reply(fields: Fields) -> InstanceReply:
    return InstanceReply(
        text_field(fields, "instruction"), _reply(fields), optional_text(fields, "finish_reason")
    )


def _reply(fields: Fields) -> str | None:
    """The reply, which has to be there; null stands for a call that failed."""
    return optional_text(fields, "reply") if "reply" in fields else text_field(fields, "reply")
