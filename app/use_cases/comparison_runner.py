"""One comparison from a worker's side: take it, ask the judge, keep what was paid, record it.

A lease in Postgres says whose it is. A judgement stands there before its call is sent, with all
that it may cost: whoever goes on after a kill neither asks it again nor forgets its price.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from app.db import comparisons
from app.domain.comparison import ComparisonRecord
from app.domain.language import Language
from app.domain.lifecycle import TrainingState
from app.domain.preferences import Pair
from app.errors import CultivarError, NotFound, Unavailable
from app.llm.teacher import Outcome
from app.runtime import Runtime, build_door
from app.use_cases import teachers
from app.use_cases.comparing import (
    Caps,
    Company,
    Question,
    as_json,
    judge_pairs,
    questions,
    registered_judge,
    result_of,
)
from app.use_cases.comparisons import storable_text

_RENEW_S = 1.0
# A reply that is paid waits for Postgres as long as these together, then its price alone is known.
_PATIENCE_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_log = structlog.get_logger(__name__)


class _Fenced(Exception):
    """The comparison is somebody else's now, or gone."""


def make(runtime: Runtime, comparison_id: UUID, leaving: threading.Event | None = None) -> None:
    """Ask what is left of a comparison; a message that comes twice finds nothing to do.

    When `leaving` is set nothing more is sent, and it is queued again for another worker.
    """
    with runtime.database.transaction() as connection:
        lease_s = runtime.settings.lease_s
        attempt = comparisons.claim(connection, comparison_id, lease_s=lease_s)
        record = comparisons.get(connection, comparison_id)
    if attempt is None or record is None:
        return
    one = _Attempt(runtime, record, leaving or threading.Event())
    try:
        state, values = one.run()
    except _Fenced:
        _log.warning("comparison_fenced", comparison=str(comparison_id), attempt=attempt)
        return
    with runtime.database.transaction() as connection:
        comparisons.finish(connection, comparison_id, attempt, state, values)
    _log.info("comparison_ended", comparison=str(comparison_id), state=str(state))


class _Stored:
    """The judgements of a run as Postgres has them."""

    def __init__(self, runtime: Runtime, record: ComparisonRecord) -> None:
        self._runtime, self._record = runtime, record
        with runtime.database.transaction() as connection:
            self.texts = dict(comparisons.known(connection, record.run_id))
            self.calls, self.spent_micro_usd = comparisons.counted(connection, record.id)
        self._aside: dict[str, int] = {}

    def begin(self, key: str, aside: int) -> None:
        """Set its price aside; raises _Fenced where it is not ours to send."""
        record = self._record
        with self._runtime.database.transaction() as connection:
            if not comparisons.begin(connection, record.id, record.attempt, key, aside):
                raise _Fenced
        self.calls += 1
        self.spent_micro_usd += aside
        self._aside[key] = aside

    def withdraw(self, key: str) -> None:
        """It surely was not paid."""
        with self._runtime.database.transaction() as connection:
            comparisons.withdraw(connection, self._record.id, key)
        self.calls -= 1
        self.spent_micro_usd -= self._aside.pop(key)

    def keep(self, key: str, text: str | None, outcome: Outcome, cost: int) -> None:
        """Write what came, patiently."""
        kept = None if text is None else storable_text(text)
        values = {"text": kept, "outcome": outcome, "micro_usd": cost}
        for patience_s in (*_PATIENCE_S, None):
            try:
                with self._runtime.database.transaction() as connection:
                    comparisons.keep(connection, self._record.id, key, values)
                break
            except Unavailable:
                if patience_s is None:
                    raise
                time.sleep(patience_s)
        self.texts[key] = kept
        self.spent_micro_usd += cost - self._aside.pop(key)


class _Attempt:
    """What one worker does with a comparison that it has taken."""

    def __init__(
        self, runtime: Runtime, record: ComparisonRecord, leaving: threading.Event
    ) -> None:
        self._runtime, self._record, self._leaving = runtime, record, leaving
        self._stop, self._asked_to_stop = threading.Event(), False
        self._kept = _Stored(runtime, record)
        self._pairs: Sequence[Pair] = ()
        self._questions: Sequence[Question] = ()
        self._keys: frozenset[str] = frozenset()
        self._simulated = False
        self._renewed_s = runtime.monotonic_s()

    def run(self) -> tuple[TrainingState, Mapping[str, object]]:
        """How it ended and what is to be recorded; raises _Fenced."""
        error: CultivarError | None = None
        try:
            self._judge()
        except Unavailable:
            raise _Fenced from None  # whoever finds the lease run out goes on
        except CultivarError as raised:
            error = raised
        told = {**self._told(), "result": self._result()}
        if error is not None:
            failed = {"error": error.detail, "error_code": error.code}
            return TrainingState.FAILED, {**told, **failed}
        self._renew()  # somebody may have asked for a stop since the last look
        if self._asked_to_stop:
            return TrainingState.STOPPED, told
        if self._leaving.is_set() and self._told()["done"] < self._record.total:
            return TrainingState.QUEUED, told
        return TrainingState.SUCCEEDED, told

    def _judge(self) -> None:
        runtime, record = self._runtime, self._record
        if record.teacher_id is None:
            raise NotFound("The judge of this comparison was deleted.")
        judge = registered_judge(runtime, record.teacher_id)
        self._simulated = teachers.get(runtime, record.teacher_id).simulated
        language = Language(record.language)
        with runtime.database.transaction() as connection:
            self._pairs = [Pair(**each) for each in comparisons.pairs(connection, record.id)]
        self._questions = questions(self._pairs, judge, language)
        self._keys = frozenset(each.key for each in self._questions)
        judge_pairs(
            self._pairs,
            judge,
            self._kept,
            Caps(record.cap_calls, record.cap_micro_usd),
            door=build_door(runtime.settings),
            language=language,
            company=Company(tick=self._tick, stop=self._stop),
        )

    def _result(self) -> Mapping[str, object] | None:
        if not self._keys:
            return self._record.result
        found = result_of(self._pairs, self._questions, self._record.judge, self._kept)
        return {**as_json(found), "simulated": self._simulated}

    def _told(self) -> Mapping[str, int]:
        done = len(self._keys & self._kept.texts.keys())
        calls, spent = self._kept.calls, self._kept.spent_micro_usd
        return {"done": done, "calls": calls, "spent_micro_usd": spent}

    def _tick(self) -> None:
        """Prolong the lease now and then, and hear whether somebody asked for a stop."""
        if self._leaving.is_set():
            self._stop.set()
        if self._runtime.monotonic_s() - self._renewed_s >= _RENEW_S:
            self._renew()

    def _renew(self) -> None:
        now_s, lease_s = self._runtime.monotonic_s(), self._runtime.settings.lease_s
        try:
            with self._runtime.database.transaction() as connection:
                state = comparisons.renew(
                    connection,
                    self._record.id,
                    self._record.attempt,
                    lease_s=lease_s,
                    told=self._told(),
                )
        except Unavailable:
            if now_s - self._renewed_s >= lease_s:
                raise _Fenced from None
            return
        if state is None:
            raise _Fenced
        self._renewed_s = now_s
        if state is TrainingState.STOPPING:
            self._asked_to_stop = True
            self._stop.set()
