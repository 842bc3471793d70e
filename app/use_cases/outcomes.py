"""What conversations came to, as values to store: candidates with what came along, and rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from app.db import candidates, rows, scores
from app.db.counts import OVERLAP, Tally
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.contamination import Overlap
from app.domain.conversing import Finished
from app.domain.judging import judgement_of
from app.domain.lifecycle import CandidateState, RowState
from app.domain.materials import FROM_ROW
from app.domain.methods.judge import NAME as JUDGING
from app.domain.records import Answer, Candidate, Instance, Message
from app.domain.sieve import Sifted
from app.domain.stored import Job
from app.use_cases.job_context import JobContext
from app.use_cases.memory import Talk

_INSTANCES = TypeAdapter(tuple[Instance, ...])
_MESSAGES = TypeAdapter(tuple[Message, ...])


@dataclass(frozen=True, slots=True)
class SiftedCandidates:
    """What a proposing conversation returned, held against the sieve of its job."""

    candidates: Sequence[Candidate]
    overlaps: Sequence[Overlap]


@dataclass(frozen=True, slots=True)
class SiftedAnswer:
    """What an answering conversation returned, held against the sieve of its job."""

    rows: Sequence[Sifted]
    is_classification: bool | None


def sift(
    context: JobContext,
    talk: Talk,
    finished: Finished[Sequence[Candidate]] | Finished[Answer],
) -> SiftedCandidates | SiftedAnswer:
    """What a conversation returned, with the reasons and flags that its job gives it."""
    outcome, sieve = finished.outcome, context.sieve
    if isinstance(outcome, Answer):
        instruction = str(_candidate_of(talk)["instruction"])
        rows = [sieve.row(instruction, each) for each in outcome.instances]
        return SiftedAnswer(rows, outcome.is_classification)
    judged = [sieve.candidate(each) for each in outcome]
    overlaps = [overlap for _, found in judged for overlap in found]
    return SiftedCandidates([candidate for candidate, _ in judged], overlaps)


def _candidate_of(talk: Talk) -> Mapping[str, Any]:
    if talk.candidate is None:
        raise LookupError("an answer conversation without its candidate")
    return talk.candidate


@dataclass
class Findings:
    """Candidates and rows of a transaction, not written yet."""

    candidates: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    verdicts: dict[UUID, bool] = field(default_factory=dict[UUID, bool])
    scores: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    @property
    def proposed(self) -> bool:
        """Whether there are candidates to admit."""
        return any(each["state"] == CandidateState.PROPOSED for each in self.candidates)

    def take(
        self,
        context: JobContext,
        talk: Talk,
        slot_id: UUID | None,
        found: SiftedCandidates | SiftedAnswer,
        tally: Tally,
    ) -> bool:
        """Take what a conversation came to; `slot_id` is its last call. False for nothing."""
        if isinstance(found, SiftedAnswer):
            useful = self._take_answer(context.job, talk, slot_id, found, tally)
        else:
            useful = self._take_candidates(context.job, talk, slot_id, found, tally)
        if not useful:
            tally["drop", "no_items"] += 1
        return useful

    def write(self, connection: Connection) -> None:
        """Write all of it, but for the counts."""
        candidates.insert(connection, self.candidates)
        candidates.classify(connection, self.verdicts)
        rows.insert(connection, self.rows)
        scores.insert(connection, self.scores)

    def _take_candidates(
        self,
        job: Job,
        talk: Talk,
        slot_id: UUID | None,
        found: SiftedCandidates,
        tally: Tally,
    ) -> bool:
        ids = [new_id() for _ in found.candidates]
        _count_overlaps(found.overlaps, tally)
        for position, candidate in enumerate(found.candidates):
            state = CandidateState.REJECTED if candidate.dropped else CandidateState.PROPOSED
            parent = candidate.parent
            self.candidates.append(
                {
                    "id": ids[position],
                    "job_id": job.id,
                    "pool_id": job.pool_id,
                    "conversation_id": talk.record.id,
                    "slot_id": slot_id,
                    "number": talk.record.number,
                    "position": position,
                    "instruction": candidate.instruction,
                    "is_classification": candidate.is_classification,
                    "instances": _INSTANCES.dump_python(candidate.instances, mode="json") or None,
                    "facts": dict(candidate.facts) or None,
                    "parent_id": None if parent is None else ids[parent],
                    "state": state,
                    "reasons": list(candidate.reasons),
                }
            )
            tally["candidate", state] += 1
            if candidate.reasons:
                tally["drop", candidate.reasons[0]] += 1
        return bool(found.candidates)

    def _take_answer(
        self, job: Job, talk: Talk, slot_id: UUID | None, found: SiftedAnswer, tally: Tally
    ) -> bool:
        candidate, verdict = _candidate_of(talk), found.is_classification
        if verdict is not None:
            self.verdicts[candidate["id"]] = verdict
        for position, sifted in enumerate(found.rows):
            instance = sifted.instance
            state = RowState.REJECTED if instance.dropped else RowState.ACCEPTED
            self.rows.append(
                {
                    "id": new_id(),
                    "job_id": job.id,
                    "candidate_id": candidate["id"],
                    # Without a call of its own, a row comes from the call that proposed it.
                    "slot_id": slot_id or candidate["slot_id"],
                    "pool_seq": candidate["pool_seq"],
                    "position": position,
                    "instruction": candidate["instruction"],
                    **_said(candidate, verdict, instance),
                    "state": state,
                    "reasons": list(instance.reasons),
                    "flags": list(sifted.flags),
                    "nearest_row_id": None,
                    "nearest_score": None,
                    "simulated": job.simulated,
                }
            )
            self._take_scores(job, slot_id, instance)
            tally["row", state] += 1
            if instance.reasons:
                tally["drop", instance.reasons[0]] += 1
            tally.update(("flag", flag) for flag in sifted.flags)
            _count_overlaps(sifted.overlaps, tally)
        return bool(found.rows)

    def _take_scores(self, job: Job, slot_id: UUID | None, instance: Instance) -> None:
        """What a judging job said goes to the row that it judged."""
        judgement = judgement_of(instance.facts) if job.method == JUDGING else None
        if judgement is not None:
            self.scores.append(
                {
                    "row_id": UUID(instance.facts[FROM_ROW]),
                    "judge_job_id": job.id,
                    "overall": judgement.overall,
                    "scores": {name: list(each) for name, each in judgement.scores.items()},
                    "slot_id": slot_id,
                }
            )


def _count_overlaps(overlaps: Sequence[Overlap], tally: Tally) -> None:
    tally.update((OVERLAP, f"{each.set_name}:{each.rule}") for each in overlaps)


def _said(
    candidate: Mapping[str, Any], verdict: bool | None, instance: Instance
) -> Mapping[str, object]:
    known: Mapping[str, str] = candidate["facts"] or {}
    facts = {**known, **instance.facts}
    return {
        "input": instance.input,
        "output": instance.output,
        "is_classification": verdict,
        "messages": _MESSAGES.dump_python(instance.messages, mode="json") or None,
        "facts": facts or None,
    }
