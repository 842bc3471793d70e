"""Stored replies that stand for new calls: all waiting slots of a job in one statement."""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.db.call_tables import completions, slots

# Of the replies to one request, the k-th slot takes the k-th that the job has not used yet, in
# the order in which they were bought. What was reused is stored whole, so it outlives the job
# that bought it; a copy counts as the reply that it copies.
_SERVE = sa.text(
    """
    WITH waiting AS MATERIALIZED (
        SELECT id, kind, number, position, attempt,
               sha256(convert_to(digest || :service, 'UTF8')) AS request
        FROM slots
        WHERE job_id = :job_id AND state = 'ready' AND NOT looked_up
        FOR UPDATE SKIP LOCKED
    ), wanted AS MATERIALIZED (
        SELECT id, attempt, request,
               row_number() OVER (PARTITION BY request ORDER BY kind, number, position) AS place
        FROM waiting
    ), offered AS MATERIALIZED (
        SELECT asked.request, found.*,
               row_number() OVER (
                   PARTITION BY asked.request ORDER BY buyer_id, bought_slot_id, bought_attempt
               ) AS place
        FROM (SELECT DISTINCT request FROM waiting) AS asked
        CROSS JOIN LATERAL (
            SELECT DISTINCT ON (buyer_id, bought_slot_id, bought_attempt)
                   coalesce(reused_from_job_id, completions.job_id) AS buyer_id,
                   coalesce(reused_from_slot_id, slot_id) AS bought_slot_id,
                   coalesce(reused_from_attempt, completions.attempt) AS bought_attempt,
                   slot_id, completions.attempt AS stored_attempt
            FROM completions
            JOIN slots ON slots.id = slot_id AND slots.answered_attempt = completions.attempt
            JOIN jobs ON jobs.id = completions.job_id AND jobs.simulated = :simulated
            WHERE request_digest = asked.request
              AND coalesce(reused_from_job_id, completions.job_id) <> :job_id
              AND NOT EXISTS (
                  SELECT FROM completions AS own
                  WHERE own.job_id = :job_id
                    AND own.reused_from_slot_id
                        = coalesce(completions.reused_from_slot_id, completions.slot_id)
                    AND own.reused_from_attempt
                        = coalesce(completions.reused_from_attempt, completions.attempt)
              )
            ORDER BY buyer_id, bought_slot_id, bought_attempt, slot_id
            OFFSET 0
        ) AS found
    ), copied AS (
        INSERT INTO completions (
            slot_id, attempt, job_id, outcome, status, raw, true_length, model, endpoint,
            request_id, prompt_tokens, completion_tokens, cost_micro_usd, elapsed_ms,
            request_digest, reused_from_job_id, reused_from_slot_id, reused_from_attempt,
            saved_micro_usd)
        SELECT wanted.id, wanted.attempt + 1, :job_id, outcome, status, raw, true_length, model,
               endpoint, request_id, prompt_tokens, completion_tokens, 0, 0, request_digest,
               buyer_id, bought_slot_id, bought_attempt, cost_micro_usd + saved_micro_usd
        FROM wanted
        JOIN offered USING (request, place)
        JOIN completions ON completions.slot_id = offered.slot_id
                        AND completions.attempt = stored_attempt
        ON CONFLICT DO NOTHING
        RETURNING slot_id, attempt, saved_micro_usd
    ), served AS (
        UPDATE slots
        SET state = 'received', attempt = copied.attempt, answered_attempt = copied.attempt,
            reason = NULL, detail = NULL, not_before = NULL, looked_up = true,
            updated_at = clock_timestamp()
        FROM copied WHERE slots.id = copied.slot_id
    ), left_over AS (
        UPDATE slots SET looked_up = true
        FROM waiting
        WHERE slots.id = waiting.id
          AND NOT EXISTS (SELECT FROM copied WHERE copied.slot_id = waiting.id)
    ), noted AS (
        INSERT INTO ledger (
            job_id, slot_id, attempt, entry, reserved_delta, spent_delta, saved_micro_usd)
        SELECT :job_id, slot_id, attempt, 'reuse', 0, 0, saved_micro_usd FROM copied
    )
    SELECT count(*), coalesce(sum(saved_micro_usd), 0) FROM copied
    """
)

_ROWS_ON_REUSED = sa.text(
    """
    WITH reused AS (
        SELECT DISTINCT slots.conversation_id
        FROM completions JOIN slots ON slots.id = completions.slot_id
        WHERE completions.job_id = :job_id AND reused_from_slot_id IS NOT NULL
    ), exported AS (
        SELECT candidates.conversation_id AS proposing, answering.conversation_id AS answering
        FROM rows
        JOIN candidates ON candidates.id = rows.candidate_id
        JOIN slots AS answering ON answering.id = rows.slot_id
        WHERE rows.job_id = :job_id AND rows.state = 'accepted'
          AND rows.verdict IS DISTINCT FROM 'dropped'
        ORDER BY rows.pool_seq, rows.position
        LIMIT :most
    )
    SELECT count(*) FROM exported
    WHERE proposing IN (SELECT conversation_id FROM reused)
       OR answering IN (SELECT conversation_id FROM reused)
    """
)

_BUYERS = sa.text(
    """
    SELECT reused_from_job_id, count(*) FROM completions
    WHERE job_id = :job_id AND reused_from_slot_id IS NOT NULL
    GROUP BY reused_from_job_id ORDER BY reused_from_job_id
    """
)


class Served(NamedTuple):
    """How many slots a stored reply stands for now, and what those replies had cost."""

    calls: int
    saved_micro_usd: int


def serve(connection: sa.Connection, job_id: UUID, service: str, *, simulated: bool) -> Served:
    """Give every waiting slot of a job that was not looked up yet a stored reply, if there is one.

    `service` is the digest of the teacher as it is now. Every slot is looked up once.
    """
    values = {"job_id": job_id, "service": service, "simulated": simulated}
    calls, saved = connection.execute(_SERVE, values).one()
    return Served(calls, int(saved))


def rows_resting_on(connection: sa.Connection, job_id: UUID, most: int) -> int:
    """How many of the first `most` accepted rows rest on a reply that an earlier job bought."""
    return connection.execute(_ROWS_ON_REUSED, {"job_id": job_id, "most": most}).scalar_one()


def origins(
    connection: sa.Connection, slot_ids: Collection[UUID]
) -> Mapping[UUID, tuple[UUID, UUID]]:
    """Of slots whose reply an earlier job bought: that job and its slot, by slot."""
    query = (
        sa.select(slots.c.id, completions.c.reused_from_job_id, completions.c.reused_from_slot_id)
        .join_from(slots, completions, completions.c.slot_id == slots.c.id)
        .where(
            slots.c.id.in_(slot_ids),
            completions.c.attempt == slots.c.answered_attempt,
            completions.c.reused_from_slot_id.is_not(None),
        )
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def bought_by(connection: sa.Connection, job_id: UUID) -> Mapping[UUID, int]:
    """The jobs whose replies a job reused, with how many; they may be gone since."""
    return {row[0]: row[1] for row in connection.execute(_BUYERS, {"job_id": job_id})}
