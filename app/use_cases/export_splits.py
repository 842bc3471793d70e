"""Which rows of an export stand in which split: those that share seeds stand together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.db import row_origins
from app.db.rows import ExportedRow
from app.domain.packaging import Packaging, SplitBy
from app.domain.records import SourceKind
from app.domain.splitting import TEST, TRAIN, VALIDATION, Clusters, assign
from app.errors import InvalidInput
from app.runtime import Runtime

_AT_ONCE = 2000


@dataclass(slots=True)
class Splits:
    """Splits by cluster of rows; until something is learnt, every row trains.

    Two rows are in one cluster if their prompts showed a common seed, or rows that grew from one.
    What was shown is kept in memory while an export is split, the rows are not.
    """

    runtime: Runtime
    packaging: Packaging
    rows: Counter[str] = field(default_factory=Counter[str])
    _clusters: Clusters[str] = field(default_factory=Clusters[str])
    _split_of: Mapping[str, str] = field(default_factory=dict[str, str])

    def learn(self, found: Iterable[Sequence[ExportedRow]]) -> None:
        """Read all rows once and choose; raises InvalidInput where a split would be empty."""
        firsts, machine = Counter[str](), set[UUID]()
        for page in found:
            for shown in self._shown(page):
                self._clusters.join(each for _, each in shown)
                firsts[shown[0][1]] += 1
                machine |= {UUID(each) for kind, each in shown if kind == SourceKind.MACHINE}
        self._join_ancestors(machine)
        sizes = Counter[str]()
        for node, count in firsts.items():
            sizes[self._clusters.root(node)] += count
        shares = {VALIDATION: self.packaging.validation, TEST: self.packaging.test}
        self._split_of = assign(sizes, shares, self.packaging.split_seed)
        for split, share in shares.items():
            if share > 0 and split not in self._split_of.values():
                raise InvalidInput(_no_split(split, share, sizes))

    def of(self, page: Sequence[ExportedRow]) -> Sequence[str]:
        """The split of each row of a page."""
        if not self._split_of:
            return [TRAIN] * len(page)
        roots = (self._clusters.root(shown[0][1]) for shown in self._shown(page))
        return [self._split_of[root] for root in roots]

    def facts(self) -> Mapping[str, object]:
        """What the manifest says of the splits."""
        return {
            "by": self.packaging.split_by,
            "seed": self.packaging.split_seed,
            "clusters": dict(sorted(Counter(self._split_of.values()).items())),
        }

    def _shown(self, page: Sequence[ExportedRow]) -> Sequence[Sequence[tuple[str, str]]]:
        """What each row hangs on, by kind and id: its instruction, if nothing was shown."""
        own = [[("", str(each.candidate_id))] for each in page]
        if self.packaging.split_by is SplitBy.INSTRUCTION:
            return own
        with self.runtime.database.transaction() as connection:
            shown = row_origins.shown(connection, {each.candidate_id for each in page})
        pairs = zip(page, own, strict=True)
        return [shown.get(each.candidate_id) or alone for each, alone in pairs]

    def _join_ancestors(self, machine: set[UUID]) -> None:
        """Rows that were shown themselves hang on what they had been shown."""
        done = set[UUID]()
        while waiting := machine - done:
            ordered = sorted(waiting)
            for start in range(0, len(ordered), _AT_ONCE):
                ids = ordered[start : start + _AT_ONCE]
                with self.runtime.database.transaction() as connection:
                    found = row_origins.shown(connection, ids)
                for key, shown in found.items():
                    self._clusters.join([str(key), *(each for _, each in shown)])
                    machine |= {UUID(each) for kind, each in shown if kind == SourceKind.MACHINE}
            done |= waiting


def _no_split(split: str, share: float, sizes: Mapping[str, int]) -> str:
    total, largest = sum(sizes.values()), max(sizes.values(), default=0)
    return (
        f"The split {split} would be empty: no cluster of rows is small enough for {share:g} of "
        f"{total:,} rows. There are {len(sizes):,} clusters, the largest with {largest:,} rows; "
        "rows are in one if their prompts showed a common seed. Ask for a larger share, for "
        "split_by=instruction, or hold seeds out when the job is submitted (held_out_share)."
    )
