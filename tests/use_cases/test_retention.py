"""What is kept for a time only goes when it is over; what is deleted is gone from everywhere."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from app.db import copying
from app.errors import InUse, NotFound
from app.runtime import Runtime
from app.use_cases import exports, jobs, replies, rows, seed_sets, training
from app.use_cases.replies import Step
from app.use_cases.retention import Removed, keep_up
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import Driver, add_seeds, add_teacher
from tests.servers import plain


@dataclass(frozen=True)
class Grown:
    """A finished job, and the teacher that wrote it while it still answers."""

    runtime: Runtime
    driver: Driver
    job_id: UUID
    seed_set_id: UUID
    teacher_id: UUID

    def run(self, statement: str, *values: object) -> int:
        with psycopg.connect(plain(self.runtime.settings.database_url or "")) as connection:
            return connection.execute(statement.encode(), values).rowcount

    def count(self, condition: str) -> int:
        return self.run(f"SELECT FROM completions WHERE {condition}")

    def under(self, **settings: float) -> Runtime:
        """The same service under other settings."""
        return replace(
            self.runtime, settings=self.runtime.settings.model_copy(update=dict(settings))
        )


@pytest.fixture
def grown(runtime: Runtime, driver: Driver) -> Iterator[Grown]:
    with start_demo_teacher(latency_s=0.0, seed=3) as teacher:
        seed_set_id = add_seeds(runtime)
        teacher_id = add_teacher(runtime, teacher.base_url).id
        job = jobs.submit(runtime, jobs.JobDetails(seed_set_id, teacher_id, 12))
        assert driver.finish(job.id).reason == "target_reached"
        yield Grown(runtime, driver, job.id, seed_set_id, teacher_id)


def exported(grown: Grown) -> tuple[UUID, bytes]:
    """An export of the job, and its bytes."""
    record = exports.request(grown.runtime, grown.job_id, "alpaca_jsonl")
    exports.make(grown.runtime, record.id)
    return record.id, exports.file(grown.runtime, record.id)[1].read_bytes()


AGED = "UPDATE completions SET received_at = received_at - interval '31 days'"
LOOKED = "DELETE FROM sweeps WHERE name = 'retention'"


def test_replies_go_after_their_time_and_rows_still_walk_back(grown: Grown) -> None:
    runtime = grown.runtime
    row = rows.page(runtime, grown.job_id).items[0]
    before, bytes_before = rows.lineage(runtime, row.id), exported(grown)[1]
    assert keep_up(runtime) == Removed(), "nothing is old yet"
    grown.run(LOOKED)
    grown.run(AGED)
    failed = "UPDATE conversations SET state = 'failed' WHERE id = (SELECT min(id::text)::uuid"
    assert grown.run(f"{failed} FROM conversations WHERE kind = 'propose')") == 1
    kept = grown.count(
        "slot_id IN (SELECT slots.id FROM slots JOIN conversations"
        " ON conversations.id = conversation_id WHERE conversations.state <> 'done')"
    )
    total = grown.count("true")
    assert keep_up(grown.under(retain_replies_days=0.0)) == Removed(), "for ever"
    grown.run(LOOKED)
    assert keep_up(runtime).replies == total - kept
    assert kept > 0
    assert grown.count("raw <> ''") == grown.count("raw_removed_at IS NULL") == kept
    assert grown.count("raw_removed_at IS NOT NULL AND request_digest IS NOT NULL") == 0
    assert keep_up(runtime) == Removed(), "and not again for a while"
    found = rows.lineage(runtime, row.id)
    assert found.answer is not None
    assert before.answer is not None
    assert before.answer.raw_reply
    assert (found.answer.raw_reply, found.answer.prompt) == ("", before.answer.prompt)
    assert found.answer.raw_removed_at is not None
    assert found.sources == before.sources
    assert exported(grown)[1] == bytes_before
    answers = list(replies.of_job(runtime, grown.job_id, Step.ANSWER))
    assert any(line["reply"] is None for line in answers)


def test_a_removed_reply_is_not_reused(grown: Grown) -> None:
    grown.run(AGED)
    assert keep_up(grown.runtime).replies > 0
    details = jobs.JobDetails(grown.seed_set_id, grown.teacher_id, 12, reuse="prefer")
    again = jobs.submit(grown.runtime, details)
    grown.driver.finish(again.id)
    assert jobs.get(grown.runtime, again.id).reused_calls == 0


def test_exports_and_keys_go_after_theirs(grown: Grown) -> None:
    runtime = grown.under(retain_exports_days=5.0)
    old, waited, young = exported(grown)[0], exported(grown)[0], exported(grown)[0]
    aged = "UPDATE exports SET finished_at = finished_at - interval '6 days' WHERE id IN (%s, %s)"
    grown.run(aged, old, waited)
    grown.run(
        "INSERT INTO training_runs (id, export_id, base_model, method, settings, held_out, state)"
        " VALUES (gen_random_uuid(), %s, 'a', 'lora', '{}', 0, 'queued')",
        waited,
    )
    grown.run(
        "INSERT INTO idempotency_keys (address, key, digest, created_at) VALUES"
        " ('a', 'old', '', now() - interval '8 days'), ('a', 'young', '', now())"
    )
    assert keep_up(runtime) == Removed(exports=1, keys=1)
    with pytest.raises(NotFound):
        exports.get(runtime, old)
    assert not list(runtime.exports_directory.glob(f"{old}*"))
    assert exports.file(runtime, waited)[1].exists()
    assert exports.file(runtime, young)[1].exists()


def everything(runtime: Runtime, without: Collection[str] = ()) -> bytes:
    """A dump of every table but those, and every file below HOME."""
    with runtime.database.transaction() as connection:
        dump = b"".join(
            block
            for name in copying.tables(connection)
            if name not in without
            for block in copying.copy_out(connection, name, copying.columns(connection, name))
        )
    files = [path for path in runtime.settings.home.rglob("*") if path.is_file()]
    return dump + b"".join(map(Path.read_bytes, files))


def test_what_is_deleted_is_nowhere(grown: Grown) -> None:
    runtime = grown.runtime
    export_id, content = exported(grown)
    run_id = uuid4()
    grown.run(
        "INSERT INTO training_runs (id, export_id, job_id, base_model, method, settings, held_out,"
        " state) VALUES (%s, %s, %s, 'a', 'lora', '{}', 0, 'succeeded')",
        *(run_id, export_id, grown.job_id),
    )
    folder = training.run_folder(runtime, run_id)
    folder.mkdir(parents=True)
    (folder / "data.jsonl").write_bytes(content)
    training.archive_path(runtime, run_id).write_bytes(b"adapter of " + content)
    marks = [
        each.output.encode()
        for each in rows.page(runtime, grown.job_id, limit=100).items
        if each.output.isascii() and len(each.output) > 30 and each.output.isprintable()
    ]
    assert marks
    exports.delete(runtime, export_id)
    with pytest.raises(InUse, match=str(run_id)):
        jobs.delete(runtime, grown.job_id)
    assert all(mark in everything(runtime) for mark in marks)
    training.delete(runtime, run_id)
    jobs.delete(runtime, grown.job_id)
    seed_sets.delete(runtime, grown.seed_set_id)
    with psycopg.connect(plain(runtime.settings.database_url or ""), autocommit=True) as connection:
        connection.execute("VACUUM")
    left = everything(runtime)
    assert not [mark for mark in marks if mark in left]
    for each in (grown.job_id, export_id, run_id, grown.seed_set_id):
        # The audit log says that it was deleted, and holds nothing of it.
        assert str(each).encode() not in everything(runtime, without=("audit_log",))
