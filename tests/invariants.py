"""What must hold of a database after any run, whatever happened to it: each query finds nothing."""

import numpy as np
import sqlalchemy as sa
from rapidfuzz.distance import LCSseq

from app.domain.tokens import Tokens, tokenizer
from app.runtime import Runtime
from tests.paid_replies import check_readings

QUERIES = {
    "counters equal what they count": """
        WITH truth AS (
            SELECT job_id, 'slot' AS family, state AS name, count(*) AS n FROM slots
            GROUP BY job_id, state
            UNION ALL SELECT job_id, 'candidate', state, count(*) FROM candidates
            GROUP BY job_id, state
            UNION ALL SELECT job_id, 'row', state, count(*) FROM rows GROUP BY job_id, state)
        SELECT coalesce(truth.job_id, kept.job_id), family, name, truth.n, kept.n
        FROM truth FULL JOIN
            (SELECT * FROM job_counts WHERE family IN ('slot', 'candidate', 'row')) AS kept
            USING (job_id, family, name)
        WHERE coalesce(truth.n, 0) <> coalesce(kept.n, 0)""",
    "money in the ledger is the job's": """
        SELECT jobs.id, spent_micro_usd, reserved_micro_usd FROM jobs LEFT JOIN
            (SELECT job_id, sum(spent_delta) AS spent, sum(reserved_delta) AS reserved
             FROM ledger GROUP BY job_id) AS moves ON moves.job_id = jobs.id
        WHERE spent_micro_usd <> coalesce(moves.spent, 0)
           OR reserved_micro_usd <> coalesce(moves.reserved, 0)""",
    "spent + reserved never passed the cap": """
        SELECT job_id, history.id, running FROM (
            SELECT job_id, id, sum(spent_delta + reserved_delta)
                OVER (PARTITION BY job_id ORDER BY id) AS running FROM ledger) AS history
        JOIN jobs ON jobs.id = history.job_id
        WHERE cap_micro_usd IS NOT NULL AND running > cap_micro_usd""",
    "an attempt is reserved once, and closed once when its job is over": """
        SELECT ledger.slot_id, ledger.attempt, count(*) FILTER (WHERE entry = 'reserve'),
            count(*) FILTER (WHERE entry <> 'reserve'), sum(reserved_delta)
        FROM ledger JOIN jobs ON jobs.id = ledger.job_id
        WHERE ledger.slot_id IS NOT NULL AND entry <> 'reuse'
        GROUP BY jobs.state, ledger.slot_id, ledger.attempt
        HAVING count(*) FILTER (WHERE entry = 'reserve') <> 1
            OR count(*) FILTER (WHERE entry <> 'reserve') > 1
            OR sum(reserved_delta) < 0
            OR (jobs.state IN ('succeeded', 'failed', 'cancelled') AND sum(reserved_delta) <> 0)""",
    "a pool's sequence has no gaps": """
        SELECT pool_id, count(*), max(seq) FROM pool_rows
        GROUP BY pool_id HAVING count(*) <> max(seq) OR min(seq) <> 1""",
    "every novel candidate is in the pool once": """
        SELECT candidates.id FROM candidates LEFT JOIN pool_rows
            ON pool_rows.source_id = candidates.id AND pool_rows.seq = candidates.pool_seq
        WHERE state = 'novel' AND pool_rows.seq IS NULL""",
    "a candidate is in its pool once, and no two rows are one": """
        SELECT source_id FROM pool_rows GROUP BY pool_id, source_id HAVING count(*) > 1
        UNION ALL SELECT candidate_id FROM conversations WHERE candidate_id IS NOT NULL
        GROUP BY candidate_id HAVING count(*) > 1""",
    "a job's moves are written down, each from where the last one led": """
        SELECT job_id, from_state, before FROM (
            SELECT job_id, from_state, lag(to_state) OVER (PARTITION BY job_id ORDER BY id)
                AS before FROM job_events) AS moves
        WHERE before IS NOT NULL AND from_state <> before
        UNION ALL SELECT jobs.id, jobs.state, last.to_state FROM jobs JOIN LATERAL (
            SELECT to_state FROM job_events WHERE job_id = jobs.id
            ORDER BY id DESC LIMIT 1) AS last ON true WHERE jobs.state <> last.to_state""",
    "final jobs have no call under way": """
        SELECT jobs.id, slots.state FROM jobs JOIN slots ON slots.job_id = jobs.id
        WHERE jobs.state IN ('succeeded', 'failed', 'cancelled')
          AND slots.state IN ('ready', 'in_flight', 'received', 'unknown')""",
    "a batch that is over holds no call": """
        SELECT slots.id, teacher_batches.state FROM slots
        JOIN teacher_batches ON teacher_batches.id = slots.worker_id
        WHERE slots.state = 'in_flight' AND ended_at IS NOT NULL""",
    "final jobs have no embedding call under way": """
        SELECT jobs.id FROM jobs JOIN embedding_calls ON embedding_calls.job_id = jobs.id
        WHERE jobs.state IN ('succeeded', 'failed', 'cancelled')
          AND embedding_calls.state = 'in_flight'""",
    "what is reserved is reserved for a call under way": """
        SELECT jobs.id, reserved_micro_usd, held FROM jobs, LATERAL (
            SELECT (SELECT coalesce(sum(slots.reserved_micro_usd), 0) FROM slots
                    WHERE job_id = jobs.id AND slots.state = 'in_flight')
                 + (SELECT coalesce(sum(embedding_calls.reserved_micro_usd), 0)
                    FROM embedding_calls
                    WHERE job_id = jobs.id AND embedding_calls.state = 'in_flight') AS held) AS x
        WHERE reserved_micro_usd <> held""",
    "an embedding call that ended holds no money and its ledger is closed": """
        SELECT embedding_calls.id FROM embedding_calls LEFT JOIN (
            SELECT embedding_call_id, sum(reserved_delta) AS held, sum(spent_delta) AS spent
            FROM ledger GROUP BY embedding_call_id) AS moves
            ON moves.embedding_call_id = embedding_calls.id
        WHERE embedding_calls.state <> 'in_flight'
          AND (reserved_micro_usd <> 0 OR held <> 0 OR spent <> cost_micro_usd)""",
    "a text without its vector is under way": """
        SELECT digest FROM embeddings LEFT JOIN embedding_calls
            ON embedding_calls.id = embeddings.call_id
        WHERE vector IS NULL AND embedding_calls.state IS DISTINCT FROM 'in_flight'""",
    "a row passes the rule on whole rows exactly by being in its pool": """
        SELECT rows.id, rows.state, rows.reasons FROM rows JOIN jobs ON jobs.id = rows.job_id
        LEFT JOIN pool_rows
            ON pool_rows.pool_id = jobs.row_pool_id AND pool_rows.source_id = rows.id
        WHERE row_pool_id IS NOT NULL
          AND (rows.state = 'accepted') <> (pool_rows.seq IS NOT NULL)""",
    "a row like another names it": """
        SELECT id FROM rows WHERE ('rouge_l_with_input' = ANY(reasons))
            <> (nearest_row_id IS NOT NULL AND nearest_score IS NOT NULL)""",
    "every paid reply that was read has its rows or its reason": """
        SELECT slots.id FROM slots WHERE state = 'done' AND answered_attempt IS NULL""",
    "a reused reply costs nothing and is the one that was bought": """
        SELECT copies.slot_id FROM completions AS copies LEFT JOIN completions AS bought
            ON bought.slot_id = copies.reused_from_slot_id
            AND bought.attempt = copies.reused_from_attempt
        WHERE copies.reused_from_slot_id IS NOT NULL AND (
            copies.cost_micro_usd <> 0 OR copies.reused_from_job_id = copies.job_id
            OR bought.raw <> copies.raw OR bought.request_digest <> copies.request_digest
            OR bought.reused_from_slot_id IS NOT NULL)""",
    "what a job saved is in its ledger and in its completions": """
        SELECT jobs.id, jobs.reused_calls, jobs.saved_micro_usd FROM jobs LEFT JOIN (
            SELECT job_id, count(*) FILTER (WHERE entry = 'reuse') AS calls,
                   sum(saved_micro_usd) AS saved,
                   sum(abs(reserved_delta) + abs(spent_delta))
                       FILTER (WHERE entry = 'reuse') AS paid
            FROM ledger GROUP BY job_id) AS moves ON moves.job_id = jobs.id
        LEFT JOIN (
            SELECT job_id, count(reused_from_slot_id) AS calls, sum(saved_micro_usd) AS saved
            FROM completions GROUP BY job_id) AS kept ON kept.job_id = jobs.id
        WHERE (reused_calls, saved_micro_usd)
                <> (coalesce(moves.calls, 0), coalesce(moves.saved, 0))
           OR (reused_calls, saved_micro_usd) <> (coalesce(kept.calls, 0), coalesce(kept.saved, 0))
           OR paid > 0""",
    "every drop has a name": """
        SELECT id FROM candidates WHERE state IN ('rejected', 'duplicate')
          AND cardinality(reasons) = 0
        UNION ALL SELECT id FROM rows WHERE state = 'rejected' AND cardinality(reasons) = 0
        UNION ALL SELECT id FROM slots
        WHERE state IN ('rejected', 'failed', 'quarantined') AND reason IS NULL""",
}


def check(runtime: Runtime) -> None:
    """Run every invariant; a row found by any of them fails the test with its name."""
    for name, query in QUERIES.items():
        with runtime.database.transaction() as connection:
            found = connection.execute(sa.text(query)).fetchall()
        assert not found, (name, found[:5])
    check_novelty(runtime)
    check_meaning(runtime)
    check_readings(runtime)


def check_novelty(runtime: Runtime) -> None:
    """Compare every machine-made row of every pool with all rows before it, one by one."""
    with runtime.database.transaction() as connection:
        pools = connection.execute(sa.text("SELECT id, tokens, threshold FROM pools")).fetchall()
    texts = sa.text("SELECT kind, text FROM pool_rows WHERE pool_id = :pool ORDER BY seq")
    for pool_id, tokens, threshold in pools:
        with runtime.database.transaction() as connection:  # comparing outlasts an idle one
            found = connection.execute(texts, {"pool": pool_id}).fetchall()
        split = tokenizer(Tokens(tokens))
        _check_pool([(kind, split(text)) for kind, text in found], threshold)


def _check_pool(rows: list[tuple[str, list[str]]], threshold: float) -> None:
    for number, (kind, words) in enumerate(rows):
        if kind == "seed":
            continue
        for _, earlier in rows[:number]:
            common = LCSseq.similarity(earlier, words)
            if common:
                precision, recall = common / len(earlier), common / len(words)
                score = 2 * precision * recall / (precision + recall)
                assert score <= threshold, (earlier, words)


_VECTORS = """
    SELECT pool_rows.kind, pool_rows.text, embeddings.vector FROM pool_rows
    LEFT JOIN embeddings ON embeddings.teacher_id = :embedder
        AND embeddings.digest = sha256(convert_to(pool_rows.text, 'UTF8'))
    WHERE pool_id = :pool ORDER BY seq"""


def check_meaning(runtime: Runtime) -> None:
    """Compare every machine-made row's vector with those of all rows before it, one by one."""
    with runtime.database.transaction() as connection:
        pools = connection.execute(
            sa.text(
                "SELECT id, embedder_id, semantic_threshold FROM pools "
                "WHERE semantic_threshold IS NOT NULL"
            )
        ).fetchall()
        for pool_id, embedder_id, threshold in pools:
            values = {"pool": pool_id, "embedder": embedder_id}
            rows = connection.execute(sa.text(_VECTORS), values).fetchall()
            _check_vectors([(row[0], row[1], row[2]) for row in rows], threshold)


def _check_vectors(rows: list[tuple[str, str, bytes | None]], threshold: float) -> None:
    earlier: list[tuple[str, np.ndarray]] = []
    for kind, text, stored in rows:
        assert stored is not None or kind == "seed", text
        if stored is None:
            continue
        vector = np.frombuffer(stored, "<f4").astype(float)
        for other_text, other in earlier if kind != "seed" else []:
            cosine = vector @ other / (np.linalg.norm(vector) * np.linalg.norm(other))
            assert cosine <= threshold + 1e-9, (other_text, text, cosine)
        earlier.append((text, vector))
