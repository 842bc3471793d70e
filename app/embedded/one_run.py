"""One dataset from start to finish: seeds and a teacher stored, a job run, its rows in a file."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from rich.console import Console

from app.domain.reuse import Reuse
from app.domain.stored import Job, JobProgress
from app.embedded.following import follow
from app.errors import CultivarError, InvalidInput, Problem
from app.runtime import Runtime
from app.settings import Settings
from app.use_cases import jobs, seed_sets
from app.use_cases.jobs import JobDetails
from app.use_cases.seed_sets import SeedSetDetails
from app.use_cases.teachers import TeacherDetails

OPENAI = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-4o-mini"
_MICRO = 1_000_000
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be made: `rows` from the seeds of a file, by a method and a teacher."""

    seeds: Path
    seed_set: SeedSetDetails
    rows: int
    name: str = ""
    method: str = "self_instruct"
    profile: str = "default"
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    cap_micro_usd: int | None = None
    cap_calls: int | None = None
    random_seed: int = 42
    reuse: Reuse = Reuse.NEVER
    prompts: Mapping[str, str] = field(default_factory=dict[str, str])
    filters: Mapping[str, object] = field(default_factory=dict[str, object])


def begin(runtime: Runtime, wanted: Wanted, teacher_id: UUID) -> Job:
    """Store the seeds (a file that is there already is used as it is) and submit the job."""
    added = seed_sets.add(runtime, wanted.seed_set, _chunks(wanted.seeds))
    return jobs.submit(
        runtime,
        JobDetails(
            seed_set_id=added.seed_set.id,
            teacher_id=teacher_id,
            target_rows=wanted.rows,
            name=wanted.name,
            method=wanted.method,
            profile=wanted.profile,
            options=wanted.options,
            cap_micro_usd=wanted.cap_micro_usd,
            cap_calls=wanted.cap_calls,
            random_seed=wanted.random_seed,
            reuse=wanted.reuse,
            prompts=wanted.prompts,
            filters=wanted.filters,
        ),
    )


def see_through(
    runtime: Runtime, job_id: UUID, console: Console, *, check: Callable[[], None]
) -> JobProgress:
    """Follow a job until it settles; whoever interrupts it leaves a paused job behind.

    Paused, so that a service started later in the same place spends nothing unasked.
    """
    try:
        return follow(runtime, job_id, console, check=check)
    except KeyboardInterrupt:
        with suppress(CultivarError):  # it has just finished, or the database has gone first
            jobs.pause(runtime, job_id)
        raise


def teacher_of_environment(settings: Settings) -> TeacherDetails:
    """The teacher that OPENAI_API_KEY and its relatives name; a price may be missing."""
    base_url = settings.openai_base_url or OPENAI
    model = settings.model or DEFAULT_MODEL
    return TeacherDetails(
        name=teacher_name(base_url, model),
        base_url=base_url,
        model=model,
        api_key=settings.openai_api_key,
        input_micro_usd_per_million=_micro(settings.input_usd_per_million),
        output_micro_usd_per_million=_micro(settings.output_usd_per_million),
    )


def teacher_name(base_url: str, model: str) -> str:
    """What a teacher is called that nobody has named."""
    return f"{model} at {urlsplit(base_url).hostname or base_url}"


def check_prices(details: TeacherDetails) -> None:
    """Raise InvalidInput when a price is missing, and say where to give it."""
    prices = {
        "input": details.input_micro_usd_per_million,
        "output": details.output_micro_usd_per_million,
    }
    problems = [
        Problem(
            f"/CULTIVAR_{name.upper()}_USD_PER_MILLION",
            "price_required",
            f"set it (`cultivar generate` also takes --{name}-price) to the price of a million "
            "tokens in US dollars, 0 if it is free",
        )
        for name, price in prices.items()
        if price is None
    ]
    if problems:
        raise InvalidInput(
            f"The price of {details.model} is not known, and prices are never guessed.",
            problems=problems,
        )


def _micro(usd: Decimal | None) -> int | None:
    return None if usd is None else round(usd * _MICRO)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
