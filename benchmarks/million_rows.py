"""Fills a database with a job of very many rows, as one that worked for weeks leaves it behind.

Everything that pages read is there: seeds, conversations, calls with their replies and their
ledger, candidates (three in ten of them dropped, for reasons that are frequent and rare), rows,
scores of half of them, samples, and a review. Postgres makes the texts itself: they have the
lengths of Alpaca's, and no meaning.
"""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.db.ids import new_id
from app.db.paging import encode_cursor
from app.db.rows import cursor_behind
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases import jobs, reviews, seed_sets, teachers
from app.use_cases import rows as row_queries

PROPOSED_AT_ONCE = 8
# Of a million rows this one is the only one that was dropped for its reason.
RARE_REASON = "prompt_leak"

_TEXT = (
    "substr(:words, 1 + ((n::bigint * 7919 + {salt}) % 2000)::int,"
    " 20 + ((n::bigint * 31 + {salt}) % {most})::int)"
)
_ID = "('019b{kind}-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"


def _text(salt: int, most: int) -> str:
    return _TEXT.format(salt=salt, most=most)


def _id(kind: int, number: str = "n") -> str:
    return _ID.format(kind=f"{kind:04x}").replace("(n)", f"({number})")


_PROPOSAL = f"(n - 1) / {PROPOSED_AT_ONCE} + 1"
_SEQ = "n - (n * 3) / 10"
_DROPPED = "(n * 3) / 10 <> ((n - 1) * 3) / 10"
_WHEN = "now() - interval '20 days' + n * interval '1.7 seconds' / :scale"
_REASON = (
    f"CASE WHEN n = :total / 20 * 10 THEN '{RARE_REASON}'"
    " WHEN n % 7 = 0 THEN 'rouge_l' ELSE 'short' END"
)
_PARTS = (
    f"""INSERT INTO seeds (id, seed_set_id, position, instruction, instances)
        SELECT {_id(1)}, :seed_set_id, n, n || ' ' || {_text(1, 60)},
               jsonb_build_array(jsonb_build_object('input', '', 'output', {_text(2, 400)}))
        FROM generate_series(1, :rows) AS n""",
    f"""INSERT INTO conversations (id, job_id, kind, number, sources, state)
        SELECT {_id(2)}, :job_id, 'propose', n,
               jsonb_build_array(jsonb_build_object('kind', 'seed', 'id', {_id(1)})), 'done'
        FROM generate_series(1, :total / {PROPOSED_AT_ONCE} + 1) AS n""",
    f"""INSERT INTO conversations (id, job_id, kind, number, candidate_id, sources, state)
        SELECT {_id(3)}, :job_id, 'answer', n, {_id(6)}, '[]', 'done'
        FROM generate_series(1, :total) AS n WHERE NOT ({_DROPPED})""",
    f"""INSERT INTO slots (id, job_id, conversation_id, kind, number, position, step, prompt,
                           digest, state, attempt, answered_attempt)
        SELECT {_id(4)}, :job_id, {_id(2)}, 'propose', n, 0, 'propose',
               jsonb_build_object('text', {_text(3, 900)}, 'version', '1'), 'x', 'done', 1, 1
        FROM generate_series(1, :total / {PROPOSED_AT_ONCE} + 1) AS n""",
    f"""INSERT INTO slots (id, job_id, conversation_id, kind, number, position, step, prompt,
                           digest, state, attempt, answered_attempt, reason, detail)
        SELECT {_id(5)}, :job_id, {_id(3)}, 'answer', n, 0, 'answer',
               jsonb_build_object('text', {_text(4, 300)}, 'version', '1'), 'x',
               CASE WHEN n % 100003 = 1 THEN 'failed' ELSE 'done' END, 1, 1,
               CASE WHEN n % 100003 = 1 THEN 'server_error' END,
               CASE WHEN n % 100003 = 1 THEN 'the teacher said 500' END
        FROM generate_series(1, :total) AS n WHERE NOT ({_DROPPED})""",
    f"""INSERT INTO completions (slot_id, attempt, job_id, outcome, status, raw, model, endpoint,
                                 prompt_tokens, completion_tokens, cost_micro_usd, elapsed_ms,
                                 received_at)
        SELECT slots.id, 1, :job_id, 'answered', 200, convert_to({_text(5, 500)}, 'UTF8'), 'rose-1',
               'chat', 200, 90, 120, 900, {_WHEN}
        FROM slots CROSS JOIN LATERAL (SELECT number AS n) AS at WHERE job_id = :job_id""",
    """INSERT INTO ledger (job_id, slot_id, attempt, entry, reserved_delta, spent_delta, at)
       SELECT :job_id, slot_id, 1, 'settle', 0, 120, received_at
       FROM completions WHERE job_id = :job_id""",
    f"""INSERT INTO candidates (id, job_id, pool_id, conversation_id, slot_id, number, position,
                                instruction, state, reasons, pool_seq, nearest_seq, nearest_score,
                                answering, created_at)
        SELECT {_id(6)}, :job_id, :pool_id, {_id(2, _PROPOSAL)}, {_id(4, _PROPOSAL)}, {_PROPOSAL},
               (n - 1) % {PROPOSED_AT_ONCE}, n || ' ' || {_text(6, 60)},
               CASE WHEN NOT ({_DROPPED}) THEN 'novel' WHEN n % 7 = 0 THEN 'duplicate'
                    ELSE 'rejected' END,
               CASE WHEN {_DROPPED} THEN ARRAY[{_REASON}] ELSE '{{}}' END,
               CASE WHEN NOT ({_DROPPED}) THEN {_SEQ} END, {_SEQ} - 1, 0.4, true, {_WHEN}
        FROM generate_series(1, :total) AS n""",
    """INSERT INTO pool_rows (pool_id, seq, kind, source_id, text)
       SELECT :pool_id, pool_seq, 'machine', id, instruction FROM candidates
       WHERE job_id = :job_id AND state = 'novel'""",
    f"""INSERT INTO rows (id, job_id, candidate_id, slot_id, pool_seq, position, instruction, input,
                          output, is_classification, state, reasons, simulated, created_at)
        SELECT {_id(7)}, :job_id, {_id(6)}, {_id(5)}, {_SEQ}, 0, n || ' ' || {_text(6, 60)},
               CASE WHEN n % 5 < 2 THEN {_text(7, 60)} ELSE '' END, {_text(8, 500)}, false,
               CASE WHEN n % 50 = 1 THEN 'rejected' ELSE 'accepted' END,
               CASE WHEN n % 50 = 1 THEN ARRAY['empty_output'] ELSE '{{}}' END, false, {_WHEN}
        FROM generate_series(1, :total) AS n WHERE NOT ({_DROPPED})""",
    """INSERT INTO row_scores (row_id, judge_job_id, overall, scores, slot_id)
       SELECT id, :judge_id, 1 + (pool_seq % 9) / 2.0, '{"quality": [3.0, 4.0]}', slot_id
       FROM rows WHERE job_id = :job_id AND pool_seq % 2 = 0""",
    """INSERT INTO job_samples
       SELECT :job_id, now() - interval '20 days' + n * interval '29 minutes',
              :rows * n / 1000, :total * n / 1000, :rows * n / 1000, :rows * n / 3000,
              :rows * n / 900, :rows * n / 10
       FROM generate_series(1, 990) AS n""",
    """INSERT INTO job_counts (job_id, family, name, n)
       SELECT :job_id, 'candidate', state, count(*) FROM candidates WHERE job_id = :job_id
       GROUP BY state
       UNION ALL SELECT :job_id, 'row', state, count(*) FROM rows WHERE job_id = :job_id
       GROUP BY state
       UNION ALL SELECT :job_id, 'slot', state, count(*) FROM slots WHERE job_id = :job_id
       GROUP BY state
       UNION ALL SELECT :job_id, 'drop', reasons[1], count(*) FROM candidates
       WHERE job_id = :job_id AND reasons <> '{}' GROUP BY reasons[1]
       UNION ALL SELECT :job_id, 'drop', reasons[1], count(*) FROM rows
       WHERE job_id = :job_id AND reasons <> '{}' GROUP BY reasons[1]
       UNION ALL SELECT :job_id, 'error', 'server_error', 10""",
    """UPDATE jobs SET state = 'running', started_at = now() - interval '20 days',
              calls = :total, next_propose = :total / 8, next_answer = :total,
              spent_micro_usd = :total * 120
       WHERE id = :job_id""",
    "UPDATE seed_sets SET row_count = :rows WHERE id = :seed_set_id",
    "UPDATE pools SET last_seq = :rows WHERE id = :pool_id",
    """UPDATE jobs SET method = 'judge', state = 'succeeded', finished_at = now()
       WHERE id = :judge_id""",
    """INSERT INTO job_sources (job_id, position, source_job_id) VALUES (:judge_id, 0, :job_id)""",
)


@dataclass(frozen=True)
class Filled:
    """What was made: the job and something of each kind that hangs on it."""

    job: Job
    row_id: UUID
    review_id: UUID
    row_cursor: str
    seed_cursor: str


def fill(runtime: Runtime, rows: int) -> Filled:
    """A job of about so many accepted rows from as many seeds; it stands as running."""
    seeds = [b'{"instruction": "Plant a seed in a row.", "id": "%d"}\n' % rows]
    seed_set = seed_sets.add(runtime, seed_sets.SeedSetDetails("very many"), seeds).seed_set
    teacher = teachers.add(runtime, _teacher(rows))
    details = jobs.JobDetails(seed_set.id, teacher.id, 2 * rows)
    job, judge = jobs.submit(runtime, details), jobs.submit(runtime, details)
    given = {
        "rows": rows,
        "total": rows * 10 // 7,
        "scale": rows / 1_000_000,
        "job_id": job.id,
        "judge_id": judge.id,
        "pool_id": job.pool_id,
        "seed_set_id": seed_set.id,
        "words": " ".join(f"word{number}" for number in range(400)),
    }
    for statement in _PARTS:
        _run(runtime, statement, given)
    review = reviews.start(runtime, reviews.ReviewDetails(job.id, rows=200)).review
    row = row_queries.get(runtime, _one(runtime, job))
    cursors = cursor_behind(row), encode_cursor("seeds", [rows // 2])
    return Filled(jobs.get(runtime, job.id), row.id, review.id, *cursors)


def _teacher(rows: int) -> teachers.TeacherDetails:
    return teachers.TeacherDetails(
        f"rose {rows} {new_id()}",
        "http://127.0.0.1:9/v1",
        "rose-1",
        input_micro_usd_per_million=0,
        output_micro_usd_per_million=0,
    )


def _run(runtime: Runtime, statement: str, given: dict[str, object]) -> None:
    """One statement in a transaction of its own, however long it takes."""
    wanted = {name: value for name, value in given.items() if f":{name}" in statement}
    with runtime.database.transaction() as connection:
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        # What refers to what is right by how it is made; checking it takes most of the time.
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text(statement), wanted)


def _one(runtime: Runtime, job: Job) -> UUID:
    """A row from the middle of the dataset."""
    with runtime.database.transaction() as connection:
        query = sa.text(
            "SELECT id FROM rows WHERE job_id = :job_id AND state = 'accepted'"
            " AND pool_seq >= (SELECT last_seq / 2 FROM pools WHERE id = :pool_id)"
            " ORDER BY pool_seq LIMIT 1"
        )
        given = {"job_id": job.id, "pool_id": job.pool_id}
        return UUID(str(connection.execute(query, given).scalar_one()))
