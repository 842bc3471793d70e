"""Requests made from the API's own description, right and wrong: no accident, nothing undescribed.

Even a few requests of each address take too long for the ordinary run. Left out by name where
schemathesis is not installed.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from app.main import build_app, create_app
from app.use_cases.sweep import sweep
from tests.api.conftest import Shared
from tests.api.wire import served
from tests.entry import WITH_TOKEN

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")

ROWS = b'{"instruction": "Name a river."}\n', b'{"instruction": 5}\n', b"[]\n", b"\n", b"\xff"
JSONL = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
)
schemathesis.openapi.media_type(
    JSONL[0],
    st.lists(st.sampled_from(ROWS) | st.binary(max_size=20)).map(b"".join),
    aliases=JSONL[1:],
)
CALM = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
MODES = tuple(schemathesis.GenerationMode)
DESCRIBED = create_app().openapi()
OPERATIONS = [
    found.ok() for found in schemathesis.openapi.from_dict(DESCRIBED).get_all_operations()
]
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def base_url(shared: Shared) -> Iterator[str]:
    """A real server over a filled database, which the requests may change."""
    with served(build_app(shared[0], body_idle_s=5.0)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def swept(shared: Shared) -> None:
    """Else the server is not ready: a minute without a sweep, and no worker is alive."""
    sweep(shared[0])


def attack(operation: Any, base_url: str, examples: int) -> None:
    for mode in MODES:

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=CALM,
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            answer = case.call(base_url=base_url, headers=dict(WITH_TOKEN), timeout=30)
            case.validate_response(answer, checks=CHECKS)

        with suppress(Unsatisfiable):  # nothing can be wrong about it, or nothing right
            run()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_a_few_requests(operation: Any, base_url: str) -> None:
    attack(operation, base_url, 2)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_two_thousand_requests(operation: Any, base_url: str) -> None:
    attack(operation, base_url, 1_000)
