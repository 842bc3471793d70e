"""The seeds that a job never showed to its teacher, as examples to measure by."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from app.domain.methods import METHODS
from app.domain.options import parse_options
from app.domain.records import Row, SeedInstance, Source
from app.domain.splitting import HELD_OUT
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases.job_context import read_seeds

NO_ANSWER = "held_out_seed_without_answer"


def held_out_seeds(runtime: Runtime, job: Job) -> Sequence[Source]:
    """The seeds that were held out from the start, in file order."""
    method, _ = parse_options(METHODS[job.method], job.options) if job.method in METHODS else (0, 0)
    if not method or not method.held_out_share or job.seed_set_id is None:
        return ()
    with runtime.database.transaction() as connection:
        seeds = read_seeds(connection, job.seed_set_id)
    return seeds.parted(method.held_out_share, job.random_seed)[1]


def held_out_rows(
    seeds: Sequence[Source], left_out: Counter[str], *, per_task: bool
) -> Iterator[Row]:
    """Rows of the split `held_out`, one per instance or task; a seed without one is counted."""
    for seed in seeds:
        if not seed.instances:
            left_out[NO_ANSWER] += 1
            continue
        whole = _row(seed, 0, seed.instances[1:] if per_task else ())
        yield whole
        if not per_task:
            yield from (_row(seed, at, ()) for at in range(1, len(seed.instances)))


def _row(seed: Source, at: int, others: tuple[SeedInstance, ...]) -> Row:
    return Row(
        id=f"{seed.id}-{at}",
        instruction=seed.instruction,
        input=seed.instances[at].input,
        output=seed.instances[at].output,
        is_classification=seed.is_classification,
        split=HELD_OUT,
        others=others,
    )


def facts(seeds: Sequence[Source]) -> Mapping[str, object]:
    """How many there are, and a digest that names exactly these instructions."""
    digest = hashlib.sha256()
    for each in seeds:
        digest.update(each.instruction.encode() + b"\0")
    return {"seeds": len(seeds), "sha256": digest.hexdigest()}
