"""Tests of reading replies: every shape a teacher sends, and whatever else bytes can be."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.llm.replies import has_answer, read_reply
from app.llm.teacher import REPLY_LIMIT_BYTES, Endpoint
from tests.llm.scripted_teacher import completion

USAGE = {"prompt_tokens": 7, "completion_tokens": 3}


def chat(message: object, finish_reason: object = "stop", **more: object) -> bytes:
    return json.dumps(
        {"choices": [{"message": message, "finish_reason": finish_reason}], "usage": USAGE} | more
    ).encode()


def test_a_chat_reply_gives_text_reason_and_tokens():
    read = read_reply(Endpoint.CHAT, completion("Fine."))

    assert read.completion is not None
    assert (read.completion.text, read.completion.finish_reason) == ("Fine.", "stop")
    assert (read.rejection, read.prompt_tokens, read.completion_tokens) == (None, 7, 3)


def test_a_completions_reply_gives_its_text():
    raw = orjson.dumps({"choices": [{"text": " 1. One", "finish_reason": "length"}]})

    read = read_reply(Endpoint.COMPLETIONS, raw)

    assert read.completion is not None
    assert (read.completion.text, read.completion.finish_reason) == (" 1. One", "length")
    assert (read.prompt_tokens, read.completion_tokens) == (None, None)


def test_text_parts_are_joined():
    parts = [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]

    read = read_reply(Endpoint.CHAT, chat({"content": parts}))

    assert read.completion is not None
    assert read.completion.text == "ab"


@pytest.mark.parametrize(
    ("raw", "rejection"),
    [
        (b"", "unreadable"),
        (b"<html>bad gateway</html>", "unreadable"),
        (completion()[:-9], "unreadable"),
        (b"[]", "unreadable"),
        (b"{}", "unreadable"),
        (b'{"choices": {}}', "unreadable"),
        (b'{"choices": [3]}', "unreadable"),
        (b'{"choices": [{"message": "hi"}]}', "unreadable"),
        (b'{"choices": [{"message": {"content": 3}}]}', "unreadable"),
        (b"[" * 100_000, "unreadable"),
        (b'{"choices": ' + b"9" * 10_000 + b"}", "unreadable"),
        (b'{"choices": []}', "empty_choices"),
        (chat({"content": None}), "null_content"),
        (chat({}), "null_content"),
        (chat({"content": []}), "null_content"),
        (chat({"content": None}, "content_filter"), "content_filter"),
        (chat({"content": "half a th"}, "content_filter"), "content_filter"),
        (chat({"content": "a\0b"}), "nul_character"),
        (chat({"content": "a\ud800b"}), "lone_surrogate"),
        (b'{"choices": [{"message": {"content": "\xed\xa0\x80"}}]}', "lone_surrogate"),
        (b'{"choices": ["' + b"x" * REPLY_LIMIT_BYTES, "reply_too_large"),
    ],
)
def test_what_cannot_be_used_is_rejected_by_name(raw: bytes, rejection: str):
    read = read_reply(Endpoint.CHAT, raw)

    assert (read.completion, read.rejection) == (None, rejection)


def test_surrogate_pairs_are_characters():
    read = read_reply(Endpoint.CHAT, rb'{"choices": [{"message": {"content": "\ud83d\ude00"}}]}')

    assert read.completion is not None
    assert read.completion.text == "\U0001f600"


def test_a_rejected_reply_keeps_its_tokens():
    read = read_reply(Endpoint.CHAT, chat({"content": None}))

    assert (read.prompt_tokens, read.completion_tokens) == (7, 3)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        3,
        {},
        {"prompt_tokens": 7},
        {"prompt_tokens": -1, "completion_tokens": 3},
        {"prompt_tokens": 7, "completion_tokens": -1},
        {"prompt_tokens": 0, "completion_tokens": 3},
        {"prompt_tokens": 7, "completion_tokens": 0},
        {"prompt_tokens": 10**12, "completion_tokens": 3},
        {"prompt_tokens": 7, "completion_tokens": 10**12},
        {"prompt_tokens": "7", "completion_tokens": 3},
        {"prompt_tokens": True, "completion_tokens": 3},
        {"prompt_tokens": 7.5, "completion_tokens": 3},
    ],
)
def test_absurd_usage_counts_as_none(usage: object):
    read = read_reply(Endpoint.CHAT, chat({"content": "Fine."}, usage=usage))

    assert read.completion is not None
    assert (read.prompt_tokens, read.completion_tokens) == (None, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "text", "usage", "finish_reason", "error"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(raw=st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_it_never_raises(raw: bytes):
    for endpoint in Endpoint:
        read = read_reply(endpoint, raw)
        assert (read.completion is None) != (read.rejection is None)
        if read.completion is not None:
            read.completion.text.encode()


@given(content=JSON, finish_reason=JSON, usage=JSON)
def test_odd_members_never_raise(content: object, finish_reason: object, usage: object):
    read = read_reply(Endpoint.CHAT, chat({"content": content}, finish_reason, usage=usage))

    assert (read.completion is None) != (read.rejection is None)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'{"score": -2.5}', "-2.5"),
        (b'{"score": 4, "usage": {"prompt_tokens": 9}}', "4.0"),
        (b'{"score": NaN}', None),
        (b'{"score": "4"}', None),
        (b'{"score": true}', None),
        (b'{"score": 1e999}', None),
        (b'{"score": 1' + b"0" * 400 + b"}", None),
        (b'{"choices": []}', None),
        (b"[1]", None),
    ],
)
def test_a_score_is_a_number(raw: bytes, text: str | None):
    found = read_reply(Endpoint.SCORE, raw)
    assert (found.completion and found.completion.text) == text
    assert has_answer(Endpoint.SCORE, raw) == (text is not None)
    tokens = (9, 0) if b"usage" in raw else (None, None)
    assert (found.prompt_tokens, found.completion_tokens) == tokens
