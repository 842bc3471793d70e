"""The promises that are put to the test, each with what `run.py test` tries and the full measure.

The numbers are those of the table in docs/operations.md.
"""

from tests.faults import killing, limiting, messaging, poisoning, starving, steering
from tests.faults.promise import Promise, Size

PROMISES = (
    Promise(
        "1",
        "a killed worker loses nothing",
        killing.killed_workers,
        Size(times=6, rows=20),
        Size(times=200, rows=50, every_calls=15),
    ),
    Promise(
        "2",
        "a paused worker corrupts nothing",
        killing.paused_workers,
        Size(times=2, rows=20, every_calls=20, down_s=8),
        Size(times=20, rows=50, every_calls=40, down_s=120, quick=False),
    ),
    Promise(
        "3",
        "Redis forgets everything",
        starving.flushed_redis,
        Size(times=5, rows=20, every_calls=20),
        Size(times=12, rows=50, every_calls=200, quick=False),
    ),
    Promise(
        "4",
        "Redis dies and comes back empty",
        starving.killed_redis,
        Size(times=3, rows=20, every_calls=20),
        Size(times=10, rows=50, every_calls=200, quick=False),
    ),
    Promise(
        "4b",
        "Redis stays away",
        starving.absent_redis,
        Size(times=1, rows=20, every_calls=20, down_s=6),
        Size(times=1, rows=50, every_calls=40, down_s=300, quick=False),
    ),
    Promise(
        "5",
        "Postgres crashes, and stays away past a lease",
        starving.crashed_postgres,
        Size(times=3, rows=20, every_calls=20, down_s=8),
        Size(times=10, rows=50, every_calls=100, down_s=60, quick=False),
    ),
    Promise(
        "6",
        "a COMMIT goes through unheard",
        starving.hidden_commits,
        Size(times=15, rows=20),
        Size(times=200, rows=50),
    ),
    Promise(
        "9",
        "the fleet waits as long as the teacher asks",
        limiting.honoured_waits,
        Size(times=3, rows=10, down_s=0.015),
        Size(times=40, rows=50, down_s=0.01),
    ),
    Promise(
        "10",
        "a prompt that kills workers is set aside alone",
        poisoning.deadly_prompts,
        Size(times=1, rows=10, down_s=0.01),
        Size(times=10, rows=100, down_s=0.01),
    ),
    Promise(
        "10b",
        "a stored reply that harms workers is set aside alone",
        poisoning.bad_replies,
        Size(times=1, rows=10, down_s=0.04),
        Size(times=10, rows=100, down_s=0.03),
    ),
    Promise(
        "14",
        "clocks are wrong, and jump",
        killing.skewed_clocks,
        Size(times=3, rows=20),
        Size(times=30, rows=50, every_calls=30, quick=False),
    ),
    Promise(
        "15",
        "every message comes five times",
        messaging.doubled_messages,
        Size(times=1, rows=30),
        Size(times=1, rows=1000),
    ),
    Promise(
        "16",
        "no message ever comes",
        messaging.dropped_messages,
        Size(times=1, rows=20),
        Size(times=1, rows=1000, quick=False),
    ),
    Promise(
        "17",
        "a cancelled job makes no further call",
        steering.cancelled_jobs,
        Size(times=5, rows=0),
        Size(times=100, rows=0),
    ),
    Promise(
        "18",
        "pausing and resuming costs no call",
        steering.paused_jobs,
        Size(times=6, rows=20, down_s=0.3),
        Size(times=50, rows=50, down_s=1),
    ),
    Promise(
        "19",
        "a budget holds at every moment",
        steering.kept_budget,
        Size(times=4, rows=2000),
        Size(times=20, rows=20_000, every_calls=40),
    ),
    Promise(
        "19b",
        "a budget too small for a call buys none",
        steering.smallest_budget,
        Size(times=1, rows=0),
        Size(times=1, rows=0),
    ),
    Promise(
        "24",
        "a worker that is asked to end pays nothing again",
        killing.drained_workers,
        Size(times=3, rows=20, every_calls=20),
        Size(times=30, rows=50, every_calls=60, quick=False),
    ),
    Promise(
        "25",
        "one worker recovers everything without a sweeper",
        messaging.lone_sweeper,
        Size(times=2, rows=10),
        Size(times=20, rows=50),
    ),
    Promise(
        "25b",
        "five sweepers are as one",
        messaging.five_sweepers,
        Size(times=2, rows=10),
        Size(times=20, rows=50),
    ),
)
BY_NUMBER = {promise.number: promise for promise in PROMISES}
