"""What every step of a running job needs at hand: its method, its seeds or its stock."""

import threading
from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from random import Random
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from app.db import candidates, jobs, pools, seed_sets
from app.db.engine import Connection
from app.domain.lifecycle import ConversationKind, JobState
from app.domain.materials import Material
from app.domain.method import Prompt
from app.domain.methods import METHODS
from app.domain.methods.template import TemplateRows
from app.domain.options import parse_options
from app.domain.profiles import PublishedMethod
from app.domain.records import SeedInstance, Source, SourceKind
from app.domain.sieve import Sieve
from app.domain.splitting import chosen_apart
from app.domain.stored import Job, PoolRecord, StoredSeed
from app.errors import InvalidInput, NotFound
from app.runtime import Runtime
from app.use_cases.job_prompts import with_prompts
from app.use_cases.labelled_stock import labelled_stock
from app.use_cases.mixed_stock import MixedStock
from app.use_cases.sifting import EvaluationIndexes, sieve_of
from app.use_cases.stock import Stock

_SEED_SETS_KEPT = 4


@dataclass(frozen=True)
class SeedSources:
    """The seeds of a set as sources, in file order and by id."""

    ordered: Sequence[Source]
    by_id: Mapping[str, Source]

    def parted(self, share: float, random_seed: int) -> tuple["SeedSources", Sequence[Source]]:
        """The seeds that may be shown, and those held out: that share of the instructions.

        The same instructions, share and seed always give the same choice. At least one is shown.
        """
        apart = chosen_apart({each.instruction for each in self.ordered}, share, random_seed)
        if not apart:
            return self, ()
        shown = [each for each in self.ordered if each.instruction not in apart]
        held_out = [each for each in self.ordered if each.instruction in apart]
        return SeedSources(shown, self.by_id), held_out


@dataclass(frozen=True)
class JobContext:
    """A job as it was when the slice began, its method with its options, its seeds, and what its
    candidates and rows are held against.

    With a `stock`, that is what it draws from instead, and to be closed in the end.
    """

    job: Job
    method: PublishedMethod
    seeds: SeedSources
    sieve: Sieve
    stock: Stock | None = None

    def prepare(self, runtime: Runtime) -> None:
        """Outside of any transaction: have ready what the job will draw next."""
        if self.stock is None:
            return
        with runtime.database.transaction() as connection:
            job = jobs.get(connection, self.job.id)
        if job is not None and job.state in {JobState.QUEUED, JobState.RUNNING}:
            self.stock.prepare(runtime, job.next_propose)

    def ready(self, first: int, wanted: int) -> int:
        """How many conversations from number `first` on can be drawn now."""
        return wanted if self.stock is None else self.stock.ready(first, wanted)

    def close(self) -> None:
        """Give back what the stock holds."""
        if self.stock is not None:
            self.stock.close()

    def rng(self, kind: ConversationKind, number: int) -> Random:
        """The generator of one conversation, the same at every replay."""
        return Random(f"{self.job.random_seed}:{kind}:{number}")


class SeedCache:
    """Keeps the seeds of the last few sets (one whose documents changed has another digest), and
    the indexes of evaluation sets, which never change once stored."""

    def __init__(self) -> None:
        self.evaluations = EvaluationIndexes()
        self._kept: OrderedDict[tuple[UUID, str, float, int], SeedSources] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self,
        connection: Connection,
        seed_set_id: UUID,
        held_out_share: float = 0.0,
        random_seed: int = 0,
    ) -> SeedSources:
        """The seeds of a set that may be shown, read once."""
        seed_set = seed_sets.get(connection, seed_set_id)
        digest = seed_set.sha256 if seed_set else ""
        key = (seed_set_id, digest, held_out_share, random_seed if held_out_share else 0)
        with self._lock:
            found = self._kept.get(key)
        if found is None:
            found, _ = read_seeds(connection, seed_set_id).parted(held_out_share, random_seed)
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > _SEED_SETS_KEPT:
                self._kept.popitem(last=False)
        return found


def read_seeds(connection: Connection, seed_set_id: UUID) -> SeedSources:
    """All seeds of a set."""
    ordered = [source_of(each) for each in seed_sets.all_seeds(connection, seed_set_id)]
    return SeedSources(ordered, {each.id: each for each in ordered})


def source_of(seed: StoredSeed) -> Source:
    """A seed as methods see it."""
    return Source(
        SourceKind.SEED,
        str(seed.id),
        seed.instruction,
        seed.instances,
        seed.is_classification,
        seed.name,
        seed.facts or {},
    )


def load(runtime: Runtime, seeds: SeedCache, job_id: UUID) -> JobContext:
    """The context of a job; raises NotFound, or InvalidInput for options not understood."""
    with runtime.database.transaction() as connection:
        job = jobs.get(connection, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    method = _method(job)
    sieve = sieve_of(runtime, seeds.evaluations, job)
    with runtime.database.transaction() as connection:
        stock = _stock(connection, job, method)
        if stock is not None:
            return JobContext(job, method, SeedSources(stock.sources, {}), sieve, stock)
        if job.seed_set_id is None:
            raise InvalidInput("This job has no seeds.")
        share = method.held_out_share
        shown = seeds.get(connection, job.seed_set_id, share, job.random_seed)
        return JobContext(job, method, shown, sieve)


def _method(job: Job) -> PublishedMethod:
    if job.method not in METHODS:
        raise InvalidInput(f"This version knows no method {job.method}.")
    method, problems = parse_options(METHODS[job.method], job.options)
    if method is None:
        raise InvalidInput("The stored options are not understood.", problems=problems)
    return with_prompts(method, job.prompts)


def _stock(connection: Connection, job: Job, method: PublishedMethod) -> Stock | None:
    """What a job draws from that has no seeds."""
    if isinstance(method, TemplateRows):
        return labelled_stock(connection, job, method)
    return MixedStock(job) if method.DRAWS_FROM is Material.JOBS else None


class DrawPool:
    """What a method draws from: the seeds, and the machine rows of the pool as it stands.

    Rows are looked up many at a time: a draw under `only_learning` meets nameless rows and leaves
    behind which ones it took, so that the same draw afterwards finds them all at hand. `whole` rows
    come with their instances.
    """

    def __init__(
        self, connection: Connection, pool: PoolRecord, seeds: SeedSources, *, whole: bool = False
    ) -> None:
        self._connection = connection
        self._pool = pool
        self._seeds = seeds
        self._whole = whole
        self._found: dict[UUID, Mapping[str, Any]] = {}
        self._learning = False
        self._wanted: set[int] = set()
        self._rows: dict[int, tuple[UUID, str]] = {}

    @property
    def seeds(self) -> Sequence[Source]:
        return self._seeds.ordered

    @property
    def machine_count(self) -> int:
        return self._pool.last_seq - self._pool.seed_count

    def machine(self, position: int) -> Source:
        seq = self._pool.seed_count + 1 + position
        if self._learning:
            self._wanted.add(seq)
            return Source(SourceKind.MACHINE, str(position), "")
        if seq not in self._rows:
            self._look_up({seq})
        source_id, text = self._rows[seq]
        return machine_source(str(source_id), text, self._found.get(source_id))

    @contextmanager
    def only_learning(self) -> Generator[None]:
        """Draws in here only tell which rows they take; those are looked up at the end."""
        self._learning = True
        yield
        self._learning = False
        self._look_up(self._wanted)

    def _look_up(self, seqs: set[int]) -> None:
        if not seqs:
            return
        found = pools.rows_at(self._connection, self._pool.id, sorted(seqs))
        self._rows |= found
        if self._whole:
            ids = {source_id for source_id, _ in found.values()}
            self._found |= candidates.by_ids(self._connection, ids)


def machine_source(key: str, instruction: str, stored: Mapping[str, Any] | None) -> Source:
    """An accepted machine row as a source, with the instances that came with it if it is stored."""
    given: Sequence[Mapping[str, str]] = (stored or {}).get("instances") or ()
    instances = tuple(SeedInstance(each["input"], each["output"]) for each in given)
    return Source(SourceKind.MACHINE, key, instruction, instances)


_STORED_PROMPT = TypeAdapter(Prompt)


def prompt_as_json(prompt: Prompt) -> Mapping[str, object]:
    """A prompt as stored with its slot."""
    return {
        "step": prompt.step,
        "text": prompt.text,
        "decoding": prompt.decoding.as_json(),
        "version": prompt.version,
        "system": prompt.system,
        **({"history": _history_as_json(prompt)} if prompt.history else {}),
        **({"rated": asdict(prompt.rated)} if prompt.rated else {}),
    }


def _history_as_json(prompt: Prompt) -> Sequence[Mapping[str, str]]:
    return [{"role": each.role, "content": each.content} for each in prompt.history]


def prompt_from_json(stored: Mapping[str, object]) -> Prompt:
    """A stored prompt again."""
    return _STORED_PROMPT.validate_python(stored)
