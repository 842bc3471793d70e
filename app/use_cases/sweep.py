"""The sweep: recover what dead workers held, and wake what was forgotten.

Any live worker sweeps; a lock lets one at a time do it, so none, one or many schedulers are alike.
"""

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.db import (
    candidates,
    claimants,
    comparisons,
    conversations,
    counts,
    embeddings,
    exports,
    jobs,
    paid,
    slots,
    teacher_batches,
    training_runs,
    workers,
)
from app.db.counts import Tally
from app.db.engine import Connection
from app.domain.lifecycle import ConversationState, SlotState
from app.domain.settlement import Ending, Settlement, settle
from app.domain.stored import SlotRecord
from app.domain.suspicion import is_out
from app.runtime import Runtime
from app.use_cases import probing
from app.use_cases.embedding_settling import charge_lost
from app.use_cases.heartbeat import this_host
from app.use_cases.retention import keep_up

SWEEP = "sweep"
_FORGET_WORKERS_S = 3600.0


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found; all zeros when another one was at it."""

    orphans: int = 0
    jobs: int = 0
    pools: int = 0
    exports: int = 0
    batches: int = 0
    training_runs: int = 0


def sweep(runtime: Runtime) -> Swept:
    """One sweep; raises Unavailable when Postgres is away."""
    lease_s = runtime.settings.lease_s
    with runtime.database.transaction() as connection:
        if not workers.try_sweep_lock(connection):
            return Swept()
        _pardon_silence(connection, lease_s)
        _bury_neighbours(connection)
        lost = embeddings.orphans(connection, lease_s=lease_s)
        orphaned = _recover(connection, lease_s) + len(lost)
        charge_lost(connection, lost)
        workers.forget_silent(connection, silent_s=max(_FORGET_WORKERS_S, 10 * lease_s))
        claimants.forget_silent(connection, silent_s=_FORGET_WORKERS_S)
        job_ids = jobs.to_wake(connection, older_than_s=runtime.settings.sweep_s / 2)
        job_ids += probing.due(connection)
        # Paused and finished jobs are not live, but their batches are collected all the same.
        batched = [each for each in teacher_batches.jobs_due(connection) if each not in job_ids]
        pool_ids = candidates.pools_waiting(connection)
        export_ids = exports.waiting(connection)
        training_runs.close_lost_stops(connection)
        run_ids = training_runs.waiting(connection)
        comparisons.close_lost_stops(connection)
        compared_ids = comparisons.waiting(connection)
        workers.swept(connection, SWEEP)
    for job_id in [*job_ids, *batched]:
        runtime.wake.generate(job_id)
    for pool_id in pool_ids:
        runtime.wake.admit(pool_id)
    for export_id in export_ids:
        runtime.wake.export(export_id)
    for run_id in run_ids:
        runtime.wake.train(run_id)
    for comparison_id in compared_ids:
        runtime.wake.compare(comparison_id)
    keep_up(runtime)
    found = (job_ids, pool_ids, export_ids, batched, run_ids)
    return Swept(orphaned, *map(len, found))


def _pardon_silence(connection: Connection, lease_s: float) -> None:
    """When nobody has swept for long, Postgres was away, or the whole fleet: then who lives could
    not say so, and holds replies that are paid for. Everyone has a lease from now on to speak up.
    """
    away_s = workers.seconds_since_sweep(connection, SWEEP)
    if away_s is not None and away_s > lease_s / 2:
        workers.renew_leases(connection, silent_s=away_s + lease_s)


def _bury_neighbours(connection: Connection) -> None:
    """Workers of this very machine whose process is gone need no lease to run out."""
    known = workers.on_host(connection, this_host())
    gone = [worker_id for worker_id, process in known.items() if not _runs(process)]
    if gone:
        workers.bury(connection, gone)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _recover(connection: Connection, lease_s: float) -> int:
    """Calls whose worker is gone may have been paid: charge them in full, then let them be made."""
    found = [slot for slot, _ in slots.orphans(connection, lease_s=lease_s)]
    by_job: dict[UUID, list[SlotRecord]] = {}
    for slot in found:
        by_job.setdefault(slot.job_id, []).append(slot)
    for job_id in sorted(by_job):
        _charge(connection, job_id, [(slot, _struck(slot)) for slot in by_job[job_id]])
    return len(found)


def _struck(slot: SlotRecord) -> Settlement:
    """The worker died and any of its calls may have killed it: a strike for each, no failure."""
    state = SlotState.QUARANTINED if is_out(slot.strikes + 1) else SlotState.READY
    return Settlement(state, slot.failures)


def charge_forgotten(runtime: Runtime, worker_id: UUID, job_id: UUID) -> int:
    """Charge the calls of a job that a living worker holds without waiting for them any more.

    The sweep cannot find them, for their worker is heard of.
    """
    with runtime.database.transaction() as connection:
        found = slots.held_by(connection, worker_id, job_id)
        if found:
            _charge(connection, job_id, [(slot, _forgotten(slot)) for slot in found])
        return len(found)


def _forgotten(slot: SlotRecord) -> Settlement:
    """The worker lives and has no reply that it could store: a failure, but no strike."""
    verdict = settle(Ending.UNKNOWN, slot.failures, retry_after_s=0.0, jitter=random.random())
    if verdict.state is SlotState.FAILED:
        return replace(verdict, state=SlotState.QUARANTINED)
    return verdict


def _charge(
    connection: Connection, job_id: UUID, orphaned: Sequence[tuple[SlotRecord, Settlement]]
) -> None:
    changes: list[Mapping[str, object]] = []
    entries: list[Mapping[str, object]] = []
    tally = Tally()
    failed: list[UUID] = []
    for slot, verdict in orphaned:
        state = verdict.state
        changes.append(
            {
                "id": slot.id,
                "state": state,
                "failures": verdict.failures,
                # A failure of its own is none of a worker's death.
                "strikes": slot.strikes + (verdict.failures == slot.failures),
                "reserved_micro_usd": 0,
                "reason": "worker_lost",
                "detail": "The worker that made this call is gone; the call was charged in full.",
            }
        )
        entries.append(_entry(slot))
        tally["slot", SlotState.IN_FLIGHT] -= 1
        tally["slot", state] += 1
        tally["error", "worker_lost"] += 1
        if state is SlotState.QUARANTINED:
            failed.append(slot.conversation_id)
            tally["drop", "worker_lost"] += 1
    slots.change(connection, changes)
    conversations.finish(connection, failed, ConversationState.FAILED)
    total = sum(slot.reserved_micro_usd for slot, _ in orphaned)
    jobs.add(connection, job_id, spent_micro_usd=total, reserved_micro_usd=-total)
    paid.write_ledger(connection, entries)
    counts.add(connection, job_id, tally)


def _entry(slot: SlotRecord) -> Mapping[str, object]:
    return {
        "job_id": slot.job_id,
        "slot_id": slot.id,
        "attempt": slot.attempt,
        "entry": "charge_unknown",
        "reserved_delta": -slot.reserved_micro_usd,
        "spent_delta": slot.reserved_micro_usd,
    }


def seconds_since_sweep(runtime: Runtime) -> float | None:
    """Age of the last sweep; None before the first."""
    with runtime.database.transaction() as connection:
        return workers.seconds_since_sweep(connection, SWEEP)
