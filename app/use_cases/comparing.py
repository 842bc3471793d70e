"""Two models' recorded answers judged by a teacher, each paid reply kept before it is used."""

import hashlib
import os
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from uuid import UUID

import orjson

from app.domain.language import Language
from app.domain.method import Prompt
from app.domain.preferences import Comparison, Judged, Pair, compared, judge_prompt, read_preference
from app.errors import InvalidInput, TeacherFailure
from app.files.checked_rows import CheckedRows, text_field
from app.files.row_files import open_rows
from app.llm.client import Door
from app.llm.guard import Guard
from app.llm.limits import LocalLimits
from app.llm.pricing import cost_micro_usd, estimate_micro_usd
from app.llm.replies import read_reply
from app.llm.teacher import Call, Endpoint, Outcome, Reply, Teacher
from app.runtime import Runtime
from app.use_cases import teachers
from app.use_cases.teachers import TeacherDetails, to_llm

Judge: TypeAlias = Teacher
_MOST_TRIES = 5
_AGAIN = {Outcome.RATE_LIMITED, Outcome.SERVER_ERROR, Outcome.NOT_SENT}
_HOPELESS = {Outcome.QUOTA, Outcome.UNAUTHORIZED, Outcome.REDIRECTED}
_AT_ONCE = 32
_LINE_BEGINS = b'{"key":'


@dataclass(frozen=True, slots=True)
class CompareWish:
    """Two files of predictions, where judgements are kept, and what may be spent on them.

    Without a guard the judge may be at public addresses and on this machine.
    """

    first: Path
    second: Path
    record: Path
    cap_micro_usd: int | None = None
    cap_calls: int | None = None
    language: Language = Language.ENGLISH
    guard: Guard | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison, and what this call of it spent; `left` are judgements not asked for."""

    comparison: Comparison | None
    judge: str
    prompt: str
    calls: int
    spent_micro_usd: int
    left: int


@dataclass(frozen=True, slots=True)
class _Question:
    key: str
    prompt: Prompt


def registered_judge(runtime: Runtime, teacher_id: UUID) -> Judge:
    """A teacher of the service as a judge; raises NotFound, or InvalidInput for an embedder."""
    return _writing(to_llm(runtime, teachers.get(runtime, teacher_id)))


def described_judge(details: TeacherDetails, guard: Guard) -> Judge:
    """A judge that no service knows; raises InvalidInput for details that cannot be used."""
    teachers.check_details(guard, details)
    shared = ("model", "api_key", "input_micro_usd_per_million", "output_micro_usd_per_million")
    shared += ("context_length", "max_concurrency", "requests_per_minute", "tokens_per_minute")
    values = {name: getattr(details, name) for name in (*shared, "extra_body", "timeout_s")}
    endpoint, base_url = Endpoint(details.endpoint), details.base_url.rstrip("/")
    return _writing(Teacher(id="judge", base_url=base_url, endpoint=endpoint, **values))


def _writing(teacher: Teacher) -> Judge:
    if teacher.endpoint is Endpoint.EMBEDDINGS:
        raise InvalidInput(f"{teacher.model} makes vectors; a judge must write.")
    return teacher


def compare(wish: CompareWish, teacher: Judge, told: Callable[[int, int], None]) -> Compared:
    """Ask the teacher about every pair in both orders, as far as the caps allow.

    What the record holds is not asked again, also when a call before was interrupted. Raises
    InvalidUpload for bad rows, InvalidInput where the files have no common prompt or a price is
    missing, and TeacherFailure where the teacher turns us away.
    """
    pairs = read_pairs(wish.first, wish.second)
    kept = _Record(wish.record)
    with closing(kept):
        asked = list(_questions(pairs, teacher, wish.language))
        asking = _Asking(teacher, wish, kept, told)
        asking.ask([each for each in asked if each.key not in kept.texts])
        found = [read_preference(kept.texts.get(each.key) or "") for each in asked]
    judged = [
        Judged(pair, *sides)
        for pair, sides in zip(pairs, zip(found[::2], found[1::2], strict=True), strict=True)
    ]
    left = sum(each.key not in kept.texts for each in asked)
    label = asked[0].prompt.version
    return Compared(
        compared(judged), teacher.model, label, asking.calls, asking.spent_micro_usd, left
    )


def read_pairs(first: Path, second: Path) -> Sequence[Pair]:
    """Rows of both files with the same `id`, or else the same prompt."""
    ours, theirs = _read(first), _read(second)
    common = [key for key in ours if key in theirs]
    if not common:
        raise InvalidInput(f"{first} and {second} answer no common prompt.")
    return [Pair(key, ours[key][0], ours[key][1], theirs[key][1]) for key in common]


def _read(source: Path) -> Mapping[str, tuple[str, str]]:
    with open_rows(source) as file:
        rows = CheckedRows(file, _answer)
        found = {key: (prompt, response) for _, (key, prompt, response) in rows}
        rows.done()
    return found


def _answer(fields: Mapping[str, object]) -> tuple[str, str, str]:
    prompt, response = text_field(fields, "prompt"), text_field(fields, "response")
    given = fields.get("id")
    return (given if isinstance(given, str) else prompt), prompt, response


def _questions(pairs: Sequence[Pair], teacher: Teacher, language: Language) -> Iterator[_Question]:
    """Two for each pair; equal questions to the same model have the same key."""
    for pair in pairs:
        for swapped in (False, True):
            prompt = judge_prompt(pair, swapped=swapped, language=language)
            whole = f"{teacher.base_url}\0{teacher.model}\0{swapped}\0{pair.key}\0{prompt.digest}"
            yield _Question(hashlib.sha256(whole.encode()).hexdigest(), prompt)


class _Record:
    """A file of judgements, one line for each call that was or may have been paid."""

    def __init__(self, path: Path) -> None:
        self.texts: dict[str, str | None] = {}
        whole = self._learn(path) if path.exists() else 0
        self._file: BinaryIO = path.open("ab")
        self._file.truncate(whole)

    def _learn(self, path: Path) -> int:
        """Read what is known; how many bytes of it are whole lines, for a kill may tear the last.

        Raises InvalidInput for a file of something else, which stays as it is.
        """
        whole = 0
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n") and line.startswith(_LINE_BEGINS):
                break
            try:
                members: Mapping[str, Any] = orjson.loads(line)
                self.texts[members["key"]] = members["text"]
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidInput(f"{path} holds no judgements; name another --out.") from error
            whole += len(line)
        return whole

    def keep(self, key: str, text: str | None, outcome: Outcome, cost: int) -> None:
        """Add a line; it is on the disk when this returns."""
        members = {"key": key, "text": text, "outcome": outcome, "micro_usd": cost}
        self._file.write(orjson.dumps(members, option=orjson.OPT_APPEND_NEWLINE))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.texts[key] = text

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Asking:
    """Calls under two caps: what a call may cost is set aside before it is sent."""

    def __init__(
        self, teacher: Teacher, wish: CompareWish, kept: _Record, told: Callable[[int, int], None]
    ) -> None:
        self._teacher, self._wish, self._kept, self._told = teacher, wish, kept, told
        self._returned: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._aside: dict[str, int] = {}
        self.calls, self.spent_micro_usd = 0, 0

    def ask(self, questions: Sequence[_Question]) -> None:
        """Ask them all, or as many as the caps allow; raises TeacherFailure."""
        waiting, total = list(reversed(questions)), len(questions)
        with closing(Door(LocalLimits(), self._wish.guard)) as door:
            try:
                while waiting or self._aside:
                    while waiting and len(self._aside) < _AT_ONCE and self._may(waiting[-1]):
                        self._send(door, waiting.pop(), 1)
                    if not self._aside:
                        return  # a cap is reached
                    self._take(door, self._returned.get())
                    self._told(total - len(waiting) - len(self._aside), total)
            finally:
                self._take_the_rest(door)

    def _may(self, question: _Question) -> bool:
        calls, money = self._wish.cap_calls, self._wish.cap_micro_usd
        if calls is not None and self.calls >= calls:
            return False
        cost = estimate_micro_usd(self._teacher, question.prompt)
        committed = self.spent_micro_usd + sum(self._aside.values()) + cost
        return money is None or committed <= money

    def _send(self, door: Door, question: _Question, attempt: int) -> None:
        self.calls += attempt == 1
        self._aside[question.key] = estimate_micro_usd(self._teacher, question.prompt)
        call = Call(question.key, attempt, self._teacher, question.prompt)
        door.start(call, self._returned.put)

    def _take(self, door: Door, reply: Reply) -> None:
        """Keep a reply that was paid, or may have been; ask again where it surely was not."""
        call = reply.call
        aside = self._aside.pop(call.key)
        if reply.outcome in _AGAIN and call.attempt < _MOST_TRIES:
            assert isinstance(call.prompt, Prompt)  # noqa: S101 - we made it
            self._send(door, _Question(call.key, call.prompt), call.attempt + 1)
            return
        if reply.outcome in _HOPELESS or reply.outcome in _AGAIN:
            raise TeacherFailure(
                reply.error or f"The judge answered {reply.outcome}.", stage="reply"
            )
        text, cost = self._read(reply, aside)
        self.spent_micro_usd += cost
        self._kept.keep(call.key, text, reply.outcome, cost)

    def _read(self, reply: Reply, aside: int) -> tuple[str | None, int]:
        """The text and what it cost; without a count of tokens all that was set aside."""
        if reply.outcome is Outcome.REFUSED:
            return None, 0
        read = read_reply(self._teacher.endpoint, reply.raw)
        text = read.completion.text if read.completion else None
        if read.prompt_tokens is None or read.completion_tokens is None:
            return text, aside
        return text, cost_micro_usd(self._teacher, read.prompt_tokens, read.completion_tokens)

    def _take_the_rest(self, door: Door) -> None:
        """After an interruption or a failure: what is under way comes back, and is kept."""
        door.close()
        while not self._returned.empty():
            reply = self._returned.get()
            if reply.outcome in {Outcome.ANSWERED, Outcome.UNKNOWN, Outcome.UNREADABLE}:
                aside = self._aside.pop(reply.call.key)
                text, cost = self._read(reply, aside)
                self.spent_micro_usd += cost
                self._kept.keep(reply.call.key, text, reply.outcome, cost)


def as_json(found: Compared) -> Mapping[str, object]:
    """The members that `cultivar compare` prints."""
    comparison = asdict(found.comparison) if found.comparison else None
    return {**asdict(found), "comparison": comparison}
