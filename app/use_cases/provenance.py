"""Where the rows of an export came from, as a manifest for programs and a card for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.db import counts, jobs, reused, reviews
from app.db.engine import Connection
from app.domain.card import Card, CardReview, render_card
from app.domain.lifecycle import JobState
from app.domain.review import Findings, Review, Verdict, findings
from app.domain.stored import ExportRecord, Job
from app.errors import NotFound
from app.use_cases.job_prompts import prompt_versions
from app.use_cases.origins import Origins, origins_of

MANIFEST_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Provenance:
    """An export's job with its origins and its counts, as they were when it was made."""

    export: ExportRecord
    job: Job
    origins: Origins
    tallies: Mapping[str, Mapping[str, int]]
    reused_rows: int = 0
    bought_by: Mapping[UUID, int] = field(default_factory=dict[UUID, int])
    verdicts: Mapping[str, int] = field(default_factory=dict[str, int])
    reviews: Sequence[tuple[Review, Findings]] = ()

    def manifest(self) -> Mapping[str, object]:
        """Nothing in it changes while the job's state does not, and nobody judges its rows."""
        return {
            "schema": MANIFEST_SCHEMA,
            "format": self.export.format,
            "format_options": self.export.options,
            "target_rows": self.job.target_rows,
            "simulated": self.job.simulated,
            "licence": self.licence,
            "job": self._job_facts(),
            **self.origins.manifest(self.job),
            "reused": self._reused_facts(),
            "reviewed": self._reviewed_facts(),
            "counts": {family: dict(names) for family, names in self.tallies.items()},
        }

    @property
    def licence(self) -> str:
        """What the rows rest on, in one line: licences of seeds or files, terms of teachers."""
        sets = {each.licence or "not stated" for each in self.origins.card_sets()}
        told = [f"seeds: {', '.join(sorted(sets))}"] if sets else []
        terms = {each.terms or "not stated" for each in self.origins.card_teachers()}
        told += [f"terms of the teacher: {', '.join(sorted(terms))}"] if terms else []
        return "; ".join(told)

    def card(
        self,
        *,
        rows: int,
        sha256: str,
        left_out: Mapping[str, int],
        rows_by_split: Mapping[str, int],
        paths: Mapping[str, str],
        held_out: int,
    ) -> str:
        """The dataset card as Markdown; `paths` says where the files of a split lie."""
        job = self.job
        made_on = (job.finished_at or job.created_at).date().isoformat()
        return render_card(
            Card(
                title=job.name,
                format=self.export.format,
                rows=rows,
                sha256=sha256,
                method=f"{job.method}, profile {job.profile}",
                seed_sets=self.origins.card_sets(),
                teachers=self.origins.card_teachers(),
                counts=self._flat_counts(),
                drops=self.tallies.get("drop", {}),
                left_out=left_out,
                rows_by_split=rows_by_split,
                paths=paths,
                held_out_seeds=held_out,
                settings={
                    **job.options,
                    "random_seed": job.random_seed,
                    **{f"prompt {name}": label for name, label in prompt_versions(job).items()},
                },
                made_on=made_on,
                cost=f"{_dollars(job.spent_micro_usd)} for {job.calls:,} calls",
                reused=self._reused_words(),
                reviewed_rows=sum(
                    n for name, n in self.verdicts.items() if name != Verdict.DROPPED
                ),
                edited_rows=self.verdicts.get(Verdict.EDITED, 0),
                dropped_rows=self.verdicts.get(Verdict.DROPPED, 0),
                reviews=[_card_review(*each) for each in self.reviews],
            )
        )

    def _reviewed_facts(self) -> Mapping[str, object]:
        """What people decided about the job's rows; edits and drops hold in the export."""
        return {
            **{each.value: self.verdicts.get(each, 0) for each in Verdict},
            "reviews": [_review_facts(*each) for each in self.reviews],
        }

    def _reused_facts(self) -> Mapping[str, object]:
        """What rests on replies that earlier jobs bought, by job, be they deleted since."""
        return {
            "reuse": self.job.reuse,
            "rows": self.reused_rows,
            "calls": self.job.reused_calls,
            "saved_micro_usd": self.job.saved_micro_usd,
            "calls_by_job": {str(job_id): calls for job_id, calls in self.bought_by.items()},
        }

    def _reused_words(self) -> str:
        if not self.job.reused_calls:
            return ""
        saved = _dollars(self.job.saved_micro_usd)
        return (
            f"{self.reused_rows:,} rows rest on replies that earlier jobs had paid for "
            f"({self.job.reused_calls:,} calls, {saved})"
        )

    def _flat_counts(self) -> Mapping[str, int]:
        families = {"slot": "calls", "candidate": "instructions", "row": "rows"}
        return {
            f"{families[family]}, {name.replace('_', ' ')}": n
            for family in families
            for name, n in sorted(self.tallies.get(family, {}).items())
            if n
        }

    def _job_facts(self) -> Mapping[str, object]:
        job = self.job
        names = ["name", "method", "profile", "options", "random_seed", "state", "reason", "calls"]
        finished = job.finished_at if job.state is not JobState.RUNNING else None
        return {
            "id": str(job.id),
            **{name: getattr(job, name) for name in names},
            "prompts": dict(prompt_versions(job)),
            "spent_micro_usd": job.spent_micro_usd,
            "created_at": job.created_at.isoformat(),
            "finished_at": finished.isoformat() if finished else None,
        }


def gather(connection: Connection, export: ExportRecord) -> Provenance:
    """Everything that the manifest and the card of an export say; raises NotFound."""
    job = jobs.get(connection, export.job_id)
    if job is None:
        raise NotFound(f"There is no job {export.job_id}.")
    return Provenance(
        export,
        job,
        origins_of(connection, job),
        counts.of_job(connection, job.id),
        reused.rows_resting_on(connection, job.id, job.target_rows) if job.reused_calls else 0,
        reused.bought_by(connection, job.id) if job.reused_calls else {},
        reviews.verdicts(connection, job.id),
        [
            (each, findings(reviews.judged(connection, each.id), each.population))
            for each in reviews.of_job(connection, job.id)
        ],
    )


def _review_facts(review: Review, found: Findings) -> Mapping[str, object]:
    valid = found.valid
    return {
        "id": str(review.id),
        "sample_rows": review.sample_rows,
        "population": review.population,
        "random_seed": review.random_seed,
        "judged": found.judged,
        "valid_share": valid.share,
        "low": valid.low,
        "high": valid.high,
        "confidence": valid.confidence,
        "reasons": dict(found.reasons),
    }


def _card_review(review: Review, found: Findings) -> CardReview:
    valid = found.valid
    return CardReview(
        judged=found.judged,
        population=review.population,
        valid_share=valid.share,
        low=valid.low,
        high=valid.high,
        confidence=valid.confidence,
    )


def _dollars(micro_usd: int) -> str:
    return f"${micro_usd / 1_000_000:,.4f}"
