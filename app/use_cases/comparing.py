"""Two models' recorded answers judged by a teacher, each paid reply kept before it is used."""

import contextlib
import hashlib
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol, TypeAlias
from uuid import UUID

from app.domain.language import Language
from app.domain.method import Prompt
from app.domain.preferences import Comparison, Judged, Pair, compared, judge_prompt, read_preference
from app.errors import InvalidInput, TeacherFailure
from app.llm.client import Door
from app.llm.guard import Guard
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
_TICK_S = 0.25


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
class Question:
    """One order of one pair; equal questions to the same model have the same key."""

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
    if teacher.endpoint in (Endpoint.EMBEDDINGS, Endpoint.SCORE):
        makes = "vectors" if teacher.endpoint is Endpoint.EMBEDDINGS else "scores"
        raise InvalidInput(f"{teacher.model} makes {makes}; a judge must write.")
    return teacher


class Judgements(Protocol):
    """Where judgements are kept; what counts under the caps is known before it is sent."""

    texts: dict[str, str | None]
    calls: int
    spent_micro_usd: int

    def begin(self, key: str, aside: int) -> None:
        """A call is about to be sent that may cost so much, in micro-USD."""
        ...

    def withdraw(self, key: str) -> None:
        """It surely was not paid."""
        ...

    def keep(self, key: str, text: str | None, outcome: Outcome, cost: int) -> None:
        """It was or may have been paid; what came is safe when this returns."""
        ...


@dataclass(frozen=True, slots=True)
class Caps:
    """What may be spent at most; None: without a cap."""

    calls: int | None = None
    micro_usd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who goes along while a judge is asked.

    `told` hears how many of how many are asked, `tick` is called a few times a second and may
    raise to end it, and when `stop` is set nothing more is sent.
    """

    told: Callable[[int, int], None] = lambda _done, _total: None
    tick: Callable[[], None] = lambda: None
    stop: threading.Event = field(default_factory=threading.Event)


def judge_pairs(
    pairs: Sequence[Pair],
    teacher: Judge,
    kept: Judgements,
    caps: Caps,
    *,
    door: Door,
    language: Language,
    company: Company,
) -> Compared:
    """Ask about every pair in both orders what is not known yet, as far as the caps allow.

    Closes the door. Raises InvalidInput where a price is missing, and TeacherFailure where the
    teacher turns us away.
    """
    asked = questions(pairs, teacher, language)
    asking = _Asking(teacher, caps, kept, door, company)
    asking.ask([each for each in asked if each.key not in kept.texts])
    return result_of(pairs, asked, teacher.model, kept)


def result_of(
    pairs: Sequence[Pair], asked: Sequence[Question], model: str, kept: Judgements
) -> Compared:
    """What the judgements so far come to."""
    found = [read_preference(kept.texts.get(each.key) or "") for each in asked]
    judged = [
        Judged(pair, *sides)
        for pair, sides in zip(pairs, zip(found[::2], found[1::2], strict=True), strict=True)
    ]
    left = sum(each.key not in kept.texts for each in asked)
    label = asked[0].prompt.version
    return Compared(compared(judged), model, label, kept.calls, kept.spent_micro_usd, left)


def questions(pairs: Sequence[Pair], teacher: Teacher, language: Language) -> Sequence[Question]:
    """Two for each pair; equal questions to the same model have the same key."""
    return [
        _question(pair, swapped, teacher, language) for pair in pairs for swapped in (False, True)
    ]


def _question(pair: Pair, swapped: bool, teacher: Teacher, language: Language) -> Question:
    prompt = judge_prompt(pair, swapped=swapped, language=language)
    whole = f"{teacher.base_url}\0{teacher.model}\0{swapped}\0{pair.key}\0{prompt.digest}"
    return Question(hashlib.sha256(whole.encode()).hexdigest(), prompt)


class _Asking:
    """Calls under two caps: what a call may cost is set aside before it is sent."""

    def __init__(
        self, teacher: Teacher, caps: Caps, kept: Judgements, door: Door, company: Company
    ) -> None:
        self._teacher, self._caps, self._kept = teacher, caps, kept
        self._door, self._company = door, company
        self._returned: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._aside: dict[str, int] = {}

    def ask(self, questions: Sequence[Question]) -> None:
        """Ask them all, or as many as the caps allow; raises TeacherFailure."""
        waiting, total = list(reversed(questions)), len(questions)
        try:
            while self._aside or (waiting and not self._company.stop.is_set()):
                self._company.tick()
                while waiting and self._may(waiting[-1]):
                    self._begin(waiting.pop())
                if not self._aside:
                    return  # a cap is reached
                with contextlib.suppress(queue.Empty):
                    self._take(self._returned.get(timeout=_TICK_S))
                    self._company.told(total - len(waiting) - len(self._aside), total)
        finally:
            self._take_the_rest()

    def _may(self, question: Question) -> bool:
        if self._company.stop.is_set() or len(self._aside) >= _AT_ONCE:
            return False
        calls, money = self._caps.calls, self._caps.micro_usd
        if calls is not None and self._kept.calls >= calls:
            return False
        cost = estimate_micro_usd(self._teacher, question.prompt)
        return money is None or self._kept.spent_micro_usd + cost <= money

    def _begin(self, question: Question) -> None:
        aside = estimate_micro_usd(self._teacher, question.prompt)
        self._kept.begin(question.key, aside)
        self._aside[question.key] = aside
        self._send(Call(question.key, 1, self._teacher, question.prompt))

    def _send(self, call: Call) -> None:
        self._door.start(call, self._returned.put)

    def _take(self, reply: Reply) -> None:
        """Keep a reply that was paid, or may have been; ask again where it surely was not."""
        call, stopped = reply.call, self._company.stop.is_set()
        if reply.outcome in _AGAIN and call.attempt < _MOST_TRIES and not stopped:
            self._send(replace(call, attempt=call.attempt + 1))
            return
        aside = self._aside.pop(call.key)
        if reply.outcome in _HOPELESS | _AGAIN:
            self._kept.withdraw(call.key)
            if stopped and reply.outcome in _AGAIN:
                return
            raise TeacherFailure(
                reply.error or f"The judge answered {reply.outcome}.", stage="reply"
            )
        self._keep(reply, aside)

    def _keep(self, reply: Reply, aside: int) -> None:
        text, cost = self._read(reply, aside)
        self._kept.keep(reply.call.key, text, reply.outcome, cost)

    def _read(self, reply: Reply, aside: int) -> tuple[str | None, int]:
        """The text and what it cost; without a count of tokens all that was set aside."""
        if reply.outcome is Outcome.REFUSED:
            return None, 0
        read = read_reply(self._teacher.endpoint, reply.raw)
        text = read.completion.text if read.completion else None
        if read.prompt_tokens is None or read.completion_tokens is None:
            return text, aside
        return text, cost_micro_usd(self._teacher, read.prompt_tokens, read.completion_tokens)

    def _take_the_rest(self) -> None:
        """After an interruption or a failure: what is under way comes back, and is kept."""
        self._door.close()
        while not self._returned.empty():
            reply = self._returned.get()
            aside = self._aside.pop(reply.call.key)
            if reply.outcome in _HOPELESS | _AGAIN:
                self._kept.withdraw(reply.call.key)
            else:
                self._keep(reply, aside)


def as_json(found: Compared) -> Mapping[str, object]:
    """The members that `cultivar compare` prints."""
    comparison = asdict(found.comparison) if found.comparison else None
    return {**asdict(found), "comparison": comparison}
