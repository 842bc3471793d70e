"""The `replay` script: recorded replies, found by prompt, by instruction, or in file order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from app.demo_teacher.protocol import Prompt, RequestError
from app.demo_teacher.reading import open_tail
from app.demo_teacher.script import Script, Scripted
from app.demo_teacher.steps import Step


class ReplayFileError(Exception):
    """A replay file that cannot be read; the message names the file and the line."""


@dataclass(frozen=True)
class RecordedReply:
    """One line: `{"prompt"?, "instruction"?, "reply", "finish_reason"?}`."""

    scripted: Scripted
    prompt: str | None
    instruction: str | None


def read_replies(path: Path) -> list[RecordedReply]:
    """The lines of a JSONL file of recorded replies; blank lines are skipped."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ReplayFileError(f"{path}: {error.strerror}") from error
    return [
        _read_line(line, f"{path}:{number}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


def _read_line(line: bytes, where: str) -> RecordedReply:
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ReplayFileError(f"{where}: {error}") from error
    if not isinstance(fields, dict) or "reply" not in fields:
        raise ReplayFileError(f"{where}: not an object with a reply")
    texts = {name: fields.get(name) for name in ("reply", "finish_reason", "prompt", "instruction")}
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise ReplayFileError(f"{where}: {name} is not a text")
    scripted = Scripted(texts["reply"], texts["finish_reason"])
    return RecordedReply(scripted, texts["prompt"], texts["instruction"])


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


class RecordedStep:
    """The recorded replies of one step, and which were given to whom."""

    def __init__(self, replies: list[RecordedReply], *, wrap: bool) -> None:
        self._replies, self._wrap = replies, wrap
        self._by_prompt: dict[str, int] = {}
        self._by_instruction: dict[str, int] = {}
        for position, reply in enumerate(replies):
            if reply.prompt is not None:
                self._by_prompt.setdefault(reply.prompt, position)
            if reply.instruction is not None:
                self._by_instruction.setdefault(_folded(reply.instruction), position)
        self.reset()

    def reset(self) -> None:
        """Every reply is unused again."""
        self._given: dict[tuple[bytes, int], int] = {}
        self._used: set[int] = set()
        self._next = 0

    def find(self, prompt: Prompt, digest: bytes, choice: int) -> RecordedReply | None:
        """The reply for a prompt, or None when all are used up; the same prompt gets the same."""
        position = self._given.get((digest, choice))
        if position is None:
            position = self._match(prompt)
            if position is None:
                position = self._next_unused()
            if position is None:
                return None
            self._given[digest, choice] = position
            self._used.add(position)
        return self._replies[position]

    def _match(self, prompt: Prompt) -> int | None:
        for text in (prompt.text, prompt.last):
            if text in self._by_prompt:
                return self._by_prompt[text]
        return self._match_instruction(prompt) if self._by_instruction else None

    def _match_instruction(self, prompt: Prompt) -> int | None:
        tail = _folded(open_tail(prompt.last) or prompt.last)
        known = self._by_instruction
        found = [text for text in known if text and tail.startswith(text)]
        found = found or [text for text in known if text and text in tail]
        return known[max(found, key=len)] if found else None

    def _next_unused(self) -> int | None:
        while self._next in self._used:
            self._next += 1
        if self._next < len(self._replies):
            return self._next
        if not self._wrap or not self._replies:
            return None
        self._used.clear()
        self._next = 0
        return 0


class ReplayScript:
    """`Script` that answers from one file per step; steps without a file fall to another script."""

    def __init__(self, steps: Mapping[str, RecordedStep], otherwise: Script) -> None:
        self._steps, self._otherwise = steps, otherwise

    def reply(self, name: str, step: Step, prompt: Prompt, digest: bytes, choice: int) -> Scripted:
        """See `Script`; a used up file is a 400 with the code `replay_exhausted`."""
        recorded = self._steps.get(name) or self._steps.get(step)
        if recorded is None:
            return self._otherwise.reply(name, step, prompt, digest, choice)
        found = recorded.find(prompt, digest, choice)
        if found is None:
            raise RequestError(
                f"The recorded replies of step '{name}' are used up.", code="replay_exhausted"
            )
        return found.scripted

    def reset(self) -> None:
        """Every reply is unused again."""
        for recorded in self._steps.values():
            recorded.reset()
