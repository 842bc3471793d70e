"""Whatever is sent, nothing is an accident: no answer is a 500, and no refusal stores anything."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import Shared
from tests.api.world import row_counts

FIELDS = (
    "seed_set_id", "teacher_id", "target_rows", "name", "method", "profile", "options",
    "cap_micro_usd", "cap_calls", "random_seed", "tokens", "base_url", "model", "endpoint",
    "api_key", "input_micro_usd_per_million", "context_length", "max_concurrency", "timeout_s",
    "extra_body", "terms", "simulated", "only", "job_id", "format", "threshold", "cut_reply",
    "reuse", "filters", "decontamination", "evaluation_set_ids", "ngram", "rouge_l", "action",
    "refusal", "word_count", "minimum", "language", "licence", "source", "rows", "reviewer",
    "row_id", "verdict", "reasons", "note", "messages", "packaging",
)  # fmt: skip
ADDRESSES = (
    ("POST", "/v1/jobs"), ("PATCH", "/v1/jobs/{job}"), ("POST", "/v1/jobs/{job}/retry"),
    ("POST", "/v1/teachers"), ("PATCH", "/v1/teachers/{teacher}"), ("POST", "/v1/exports"),
    ("POST", "/v1/estimates"), ("POST", "/v1/jobs/{job}/filters/preview"),
    ("POST", "/v1/document-sets"), ("POST", "/v1/reviews"), ("POST", "/v1/exports/preview"),
    ("POST", "/v1/reviews/{unknown}/decisions"),
)  # fmt: skip
LISTS = (
    "/v1/jobs", "/v1/seed-sets", "/v1/teachers", "/v1/exports", "/v1/rows", "/v1/jobs/{job}/calls",
    "/v1/document-sets", "/v1/document-sets/{documents}/documents",
    "/v1/document-sets/{documents}/chunks", "/v1/jobs/{job}/candidates",
    "/v1/jobs/{job}/rows", "/v1/seed-sets/{seed_set}/seeds",
    "/v1/evaluation-sets", "/v1/evaluation-sets/{evaluation_set}/items", "/v1/reviews",
)  # fmt: skip
many = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

telling = st.sampled_from(
    ["", "x", "{job}", "{seed_set}", "{teacher}", "self_instruct", "paper", "alpaca", "rouge",
     "chat", "failed", "https://teacher.example/v1", "\x00", "\ud800", "\u202e", "drop_last"]
)  # fmt: skip
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-2, 40)
    | st.floats()
    | telling
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
bodies = st.dictionaries(st.sampled_from(FIELDS), values, max_size=8)


def filled(text: str, shared: Shared) -> str:
    """A text with the ids of the shared world in place of their names."""
    for name, value in shared[2].names().items():
        text = text.replace(f"{{{name}}}", value)
    return text


@many
@given(address=st.sampled_from(ADDRESSES), body=bodies | values)
def test_bodies(shared: Shared, address: tuple[str, str], body: Any) -> None:
    runtime, client, _ = shared
    before = row_counts(runtime)
    raw = filled(json.dumps(body), shared)
    answer = client.request(
        address[0],
        filled(address[1], shared),
        content=raw,
        headers={"content-type": "application/json"},
    )
    assert answer.status_code < 500, (raw, answer.text)
    assert answer.status_code < 400 or row_counts(runtime) == before


@many
@given(
    path=st.sampled_from(LISTS),
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "state", "reason", "job_id", "x"]),
        st.text(max_size=30) | telling.filter(lambda text: text.isprintable()) | st.just("5"),
        max_size=3,
    ),
)
def test_queries(shared: Shared, path: str, query: dict[str, str]) -> None:
    _, client, _ = shared
    given_query = {name: filled(value, shared) for name, value in query.items()}
    try:
        answer = client.get(filled(path, shared), params=given_query)
    except UnicodeEncodeError:
        return  # a lone surrogate, which the client cannot send
    assert answer.status_code < 500, (path, query, answer.text)


@many
@given(
    lines=st.lists(st.binary(max_size=60) | bodies.map(lambda body: json.dumps(body).encode())),
    skip=st.booleans(),
)
def test_files(shared: Shared, lines: list[bytes], skip: bool) -> None:
    runtime, client, _ = shared
    before = row_counts(runtime)
    query = "&on_error=skip" if skip else ""
    answer = client.post(
        f"/v1/seed-sets?name=fuzz{query}",
        content=b"\n".join(lines),
        headers={"content-type": "application/x-ndjson"},
    )
    assert answer.status_code < 500, (lines, answer.text)
    assert answer.status_code == 201 or row_counts(runtime) == before
