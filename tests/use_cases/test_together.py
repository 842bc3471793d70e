"""Questions that are asked together get the answers that each gets by itself."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from app.db.together import Question, Together, ask
from app.runtime import Runtime

OF_EVERY_TYPE: Sequence[tuple[Any, "sa.types.TypeEngine[Any]"]] = [
    (UUID(int=7), sa.Uuid()),
    (datetime(2026, 2, 28, 23, 59, 59, 120_000, tzinfo=UTC), sa.DateTime(timezone=True)),
    (datetime(2026, 2, 28, tzinfo=UTC), sa.DateTime(timezone=True)),
    (b"\x00\xff\\x", BYTEA()),
    ({"deep": [1, None, {"er": "\U0001f600"}]}, JSONB()),
    (["one", 'two "quoted"', "\u2028"], ARRAY(sa.Text)),
    (2**62 + 1, sa.BigInteger()),
    (0.1 + 0.2, sa.Float()),
    (True, sa.Boolean()),
    ("<b>\\ 'text'\n", sa.Text()),
]


def first_row(rows: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(rows[0])


@pytest.mark.parametrize(("value", "kind"), OF_EVERY_TYPE)
def test_every_type_comes_back_as_it_is(
    runtime: Runtime, value: Any, kind: "sa.types.TypeEngine[Any]"
) -> None:
    chosen = sa.cast(sa.literal(value, kind), kind).label("value")
    question = Question(sa.select(chosen, sa.cast(sa.null(), kind).label("none")), first_row)
    asked = Together()
    answer = asked.add(question)
    with runtime.database.transaction() as connection:
        asked.ask(connection)
        assert answer.value == ask(connection, question) == (value, None)
        assert type(answer.value[0]) is type(value)


def test_rows_keep_their_order_and_their_names(runtime: Runtime) -> None:
    numbers = (
        sa.func.generate_series(1, 50).table_valued(sa.column("n", sa.Integer)).render_derived()
    )
    query = sa.select(numbers.c.n).order_by((numbers.c.n % 7).desc(), numbers.c.n).limit(20)
    asked = Together()
    many = asked.add(Question(query, lambda rows: [row.n for row in rows]))
    none = asked.add(Question(query.where(sa.false()), list))
    with runtime.database.transaction() as connection:
        asked.ask(connection)
        assert many.value == list(connection.execute(query).scalars())
    assert many.value[:3] == [6, 13, 20]
    assert none.value == []


def test_a_moment_is_one_for_all(runtime: Runtime) -> None:
    now = Question(sa.select(sa.func.now()), lambda rows: rows[0][0])
    asked = Together()
    first, second = asked.add(now), asked.add(now)
    with runtime.database.transaction() as connection:
        asked.ask(connection)
    assert first.value == second.value
    assert abs(datetime.now(UTC) - first.value) < timedelta(minutes=5)


def test_what_was_not_asked_has_no_answer() -> None:
    answer = Together().add(Question(sa.select(sa.literal(1)), list))
    with pytest.raises(IndexError):
        _ = answer.value


def test_a_column_without_a_type_is_refused(runtime: Runtime) -> None:
    asked = Together()
    asked.add(Question(sa.select(sa.func.clock_timestamp()), list))
    with (
        pytest.raises(TypeError, match="each column a type"),
        runtime.database.transaction() as connection,
    ):
        asked.ask(connection)
