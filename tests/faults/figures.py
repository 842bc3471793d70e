"""What is measured of a job that went through faults, in the terms of the promises."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise

from tests import invariants
from tests.faults.followed import Followed

_STORED = """
    SELECT extract(epoch FROM received_at) FROM completions WHERE job_id = :job
    ORDER BY received_at"""
_DUPLICATED = """
    SELECT count(*) - count(DISTINCT source_id) FROM pool_rows
    WHERE pool_id = (SELECT pool_id FROM jobs WHERE id = :job)"""

NOTHING_ELSE: Mapping[str, float] = {}


@dataclass(frozen=True)
class Figures:
    """`allowed_again` is how many calls may have been paid twice: those under way at each kill.

    `stall_s` is the longest time in which no reply was stored, `recovery_s` the longest from the
    end of a fault to the next stored reply.
    """

    faults: int
    calls: int
    rows: int
    lost: int
    duplicated: int
    paid_again: int
    allowed_again: int = 0
    stall_s: float = 0.0
    recovery_s: float = 0.0
    also: Mapping[str, float] = field(default_factory=dict[str, float])

    def as_json(self) -> dict[str, object]:
        """Every figure by its name."""
        own = asdict(self)
        return {**{key: own[key] for key in own if key != "also"}, **self.also}


def measured(
    job: Followed,
    *,
    faults: int,
    allowed_again: int = 0,
    mended_at_s: Sequence[float] = (),
    also: Mapping[str, float] = NOTHING_ELSE,
    one_of_many: bool = False,
) -> Figures:
    """The figures of a job that stands, with every invariant checked and nothing lost or doubled;
    `mended_at_s` are the Unix times at which faults ended. For one of many the caller checks the
    invariants of the database, once for all."""
    job.check_bill()
    if not one_of_many:
        invariants.check(job.runtime)
    bill, accepted = job.bill(), job.accepted()
    stored = [float(row[0]) for row in job.query(_STORED)]
    found = Figures(
        faults=faults,
        calls=len(bill.arrivals),
        rows=len(accepted),
        lost=sum(accepted.get(row_id) != text for row_id, text in job.seen.items()),
        duplicated=int(job.number(_DUPLICATED)),
        paid_again=bill.paid_again,
        allowed_again=allowed_again,
        stall_s=_longest_gap_s(stored),
        recovery_s=max((_first_after_s(stored, at_s) for at_s in mended_at_s), default=0.0),
        also=also,
    )
    assert (found.lost, found.duplicated) == (0, 0), found
    assert found.paid_again <= allowed_again, found
    return found


def _longest_gap_s(times: Sequence[float]) -> float:
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return round(max(gaps, default=0.0), 2)


def _first_after_s(times: Sequence[float], moment_s: float) -> float:
    """Seconds to the first time after a moment; 0 when nothing was left to be done."""
    return round(min((each - moment_s for each in times if each > moment_s), default=0.0), 2)
