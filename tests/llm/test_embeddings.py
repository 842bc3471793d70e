"""Replies of embedders: vectors in order, or a reason; and what a call may cost at most."""

import base64
import json
import struct
from typing import Any

import pytest

from app.errors import InvalidInput
from app.llm.bodies import request_body
from app.llm.embeddings import (
    embedding_cost_micro_usd,
    embedding_model,
    most_embedding_tokens,
    read_embeddings,
    text_digest,
)
from app.llm.outcomes import outcome_of
from app.llm.teacher import Endpoint, Outcome, Teacher, Texts

EMBEDDER = Teacher("t", "http://x/v1", "m", Endpoint.EMBEDDINGS, input_micro_usd_per_million=20_000)


def body(*vectors: Any, usage: Any = None, **more: Any) -> bytes:
    data = [{"index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    return json.dumps({"data": data, "usage": usage, **more}).encode()


def test_reads_vectors_in_the_order_of_the_texts() -> None:
    raw = json.dumps(
        {
            "data": [
                {"index": 1, "embedding": [0.0, 2.0]},
                {"index": 0, "embedding": [3.0, 4.0]},
            ],
            "usage": {"prompt_tokens": 7, "total_tokens": 7},
        }
    ).encode()
    read = read_embeddings(raw, 2)
    assert [vector.tolist() for vector in read.vectors] == [
        pytest.approx([0.6, 0.8]),
        [0.0, 1.0],
    ]
    assert (read.tokens, read.error) == (7, None)


def test_reads_base64_and_lists_without_indexes() -> None:
    packed = base64.b64encode(struct.pack("<2f", 3.0, 4.0)).decode()
    raw = json.dumps({"data": [{"embedding": packed}, {"embedding": [1, 0]}]}).encode()
    read = read_embeddings(raw, 2)
    assert [vector.tolist() for vector in read.vectors] == [pytest.approx([0.6, 0.8]), [1.0, 0.0]]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"data": 5}',
        body([1.0]),
        body([1.0], [2.0], [3.0]),
        body([1.0], [1.0, 2.0]),
        body([1.0], []),
        body([1.0], None),
        body([1.0], ["a"]),
        body([1.0], [[1.0]]),
        body([1.0], "not base64!"),
        body([1.0], {"a": 1}),
        b'{"data": [{"embedding": [1.0]}, {"embedding": [NaN]}]}',
        b'{"data": [{"embedding": [1.0]}, {"embedding": [1e999]}]}',
        b'{"data": [{"embedding": [1.0]}, 7]}',
    ],
)
def test_what_is_not_two_vectors_has_a_reason(raw: bytes) -> None:
    read = read_embeddings(raw, 2)
    assert read.error
    assert not read.vectors


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, None),
        ({"prompt_tokens": 5}, 5),
        ({"total_tokens": 6}, 6),
        ({"prompt_tokens": 0, "total_tokens": 6}, 6),
        ({"prompt_tokens": -1}, None),
        ({"prompt_tokens": 10**12}, None),
        ({"prompt_tokens": True}, None),
        ({"prompt_tokens": "5"}, None),
    ],
)
def test_only_counts_that_can_be_true_are_believed(usage: Any, tokens: int | None) -> None:
    assert read_embeddings(body([1.0], usage=usage), 1).tokens == tokens


def test_the_request_holds_the_texts_and_the_extra_body_wins() -> None:
    sent = json.loads(request_body(EMBEDDER, Texts(("a", "b"))))
    assert sent == {"model": "m", "input": ["a", "b"], "encoding_format": "float"}
    extra = {"encoding_format": None, "dimensions": 64}
    other = Teacher("t", "http://x/v1", "m", Endpoint.EMBEDDINGS, extra_body=extra)
    sent = json.loads(request_body(other, Texts(("a",))))
    assert sent == {"model": "m", "input": ["a"], "dimensions": 64}
    assert embedding_model(EMBEDDER) == "m" != embedding_model(other)


def test_a_success_holds_a_list_of_vectors() -> None:
    assert outcome_of(200, body([1.0]), Endpoint.EMBEDDINGS) is Outcome.ANSWERED
    assert outcome_of(200, b'{"choices": []}', Endpoint.EMBEDDINGS) is Outcome.UNREADABLE
    assert outcome_of(200, body([1.0]), Endpoint.CHAT) is Outcome.UNREADABLE


def test_costs_are_bounded_by_bytes_and_rounded_up() -> None:
    assert most_embedding_tokens(Texts(("词" * 10,))) >= 30
    assert embedding_cost_micro_usd(EMBEDDER, 1) == 1
    assert embedding_cost_micro_usd(EMBEDDER, 100) == 2
    unpriced = Teacher("t", "http://x/v1", "m", Endpoint.EMBEDDINGS)
    with pytest.raises(InvalidInput):
        embedding_cost_micro_usd(unpriced, 1)


def test_the_digest_is_the_database_s_own() -> None:
    assert text_digest("abc").hex().startswith("ba7816bf")
