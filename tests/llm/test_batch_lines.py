"""Lines of batch files: what goes in is what a single call would send, what comes out is kept."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from app.domain.method import Decoding, Prompt
from app.llm.batch_lines import call_line, custom_id, read_result_line, reply_of
from app.llm.bodies import request_fields
from app.llm.redaction import Redactor
from app.llm.teacher import REPLY_LIMIT_BYTES, Call, Endpoint, Outcome, Reply, Teacher

KEY = "sk-canary-0123456789abcdef"
TEACHER = Teacher("t", "https://host/v1", "rose", api_key=SecretStr(KEY))
PROMPT = Prompt("propose", 'Name \u00e4 warm colour.\n"', Decoding(max_tokens=20), "p@1")
CALL = Call("slot-7", 2, TEACHER, PROMPT)
ANSWER = {"choices": [{"message": {"content": "Red."}, "finish_reason": "stop"}]}


def result(**changes: Any) -> dict[str, Any]:
    response = {"status_code": 200, "request_id": "req_1", "body": ANSWER}
    return {
        "id": "batch_req_1",
        "custom_id": custom_id(CALL),
        "response": response,
        "error": None,
    } | changes


def reply(line: object) -> Reply:
    read = read_result_line(json.dumps(line).encode())
    assert read is not None
    return reply_of(CALL, read, Redactor(TEACHER.api_key))


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [(Endpoint.CHAT, "/v1/chat/completions"), (Endpoint.COMPLETIONS, "/v1/completions")],
)
def test_a_call_goes_in_with_the_body_of_a_single_call(endpoint: Endpoint, url: str) -> None:
    teacher = Teacher("t", "https://host/openai/v1", "rose", endpoint)
    line = call_line(Call("slot-7", 2, teacher, PROMPT))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "custom_id": "slot-7-2",
        "method": "POST",
        "url": url,
        "body": request_fields(teacher, PROMPT),
    }


def test_half_a_surrogate_pair_goes_in_escaped() -> None:
    call = Call("s", 1, TEACHER, Prompt("propose", "\ud800", Decoding(max_tokens=1), "p@1"))
    assert json.loads(call_line(call))["body"]["messages"][0]["content"] == "\ud800"


def test_an_answer_is_kept_to_the_byte() -> None:
    body = b'{"choices" :[ {"message":{"content":"R\\u00e9d \xc3\xa9 \\ud800"}}],"x":1.0e2 }'
    line = b'{"response": {"body":  ' + body + b' , "status_code":200},"custom_id":"slot-7-2"}'
    read = read_result_line(line)
    assert read is not None
    found = reply_of(CALL, read, Redactor(None))
    assert (found.outcome, found.raw, found.true_length) == (Outcome.ANSWERED, body, len(body))


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_the_bytes_of_any_body_are_found(body: Any, escaped: bool, indent: int | None) -> None:
    line = {"error": {"body": 1}, "custom_id": "a", "response": {"x": {"body": 2}, "body": body}}
    text = json.dumps(line, ensure_ascii=escaped, indent=indent)
    read = read_result_line(text.encode("utf-8", "surrogatepass"))
    assert read is not None
    assert json.loads(read.body or b"null") == body


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, ANSWER, Outcome.ANSWERED),
        (200, {"choices": None}, Outcome.UNREADABLE),
        (400, {"error": {"message": "no such thing"}}, Outcome.REFUSED),
        (401, {"error": {"code": "invalid_api_key"}}, Outcome.UNAUTHORIZED),
        (429, {"error": {"code": "rate_limit_exceeded"}}, Outcome.RATE_LIMITED),
        (429, {"error": {"code": "insufficient_quota"}}, Outcome.QUOTA),
        (500, {"error": {"message": "sorry"}}, Outcome.SERVER_ERROR),
        (503, None, Outcome.SERVER_ERROR),
    ],
)
def test_a_response_is_judged_as_that_of_a_single_call(
    status: int, body: Any, outcome: Outcome
) -> None:
    found = reply(result(response={"status_code": status, "request_id": "req_1", "body": body}))
    assert (found.outcome, found.status, found.request_id) == (outcome, status, "req_1")
    assert (found.error is None) is (outcome is Outcome.ANSWERED)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("batch_expired", Outcome.NOT_SENT),
        ("batch_cancelled", Outcome.NOT_SENT),
        ("insufficient_quota", Outcome.QUOTA),
        ("invalid_api_key", Outcome.UNAUTHORIZED),
        ("rate_limit_exceeded", Outcome.RATE_LIMITED),
        ("batch_error", Outcome.SERVER_ERROR),
        (None, Outcome.SERVER_ERROR),
    ],
)
def test_a_line_without_a_response_is_judged_by_its_code(
    code: str | None, outcome: Outcome
) -> None:
    found = reply(result(response=None, error={"code": code, "message": f"why, {KEY}"}))
    assert (found.outcome, found.raw) == (outcome, b"")
    assert found.error == "why, [key]"


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"null", b'{"response": {}}', b'{"custom_id": 7}', b"\xff\xfe", b"[" * 9999],
)
def test_a_line_that_names_no_call_is_none(line: bytes) -> None:
    assert read_result_line(line) is None


@given(st.binary(max_size=60))
def test_no_bytes_at_all_raise(line: bytes) -> None:
    read_result_line(line)
    read_result_line(b'{"custom_id": "a", "response": {"body": ' + line + b"}}")


def test_a_key_in_a_body_is_masked_and_a_long_one_cut() -> None:
    echo = {"choices": [{"message": {"content": f"my key is {KEY}"}}]}
    found = reply(result(response={"status_code": 200, "body": echo}))
    assert KEY.encode() not in found.raw
    assert found.outcome is Outcome.ANSWERED
    long = {"choices": [{"message": {"content": "x" * REPLY_LIMIT_BYTES}}]}
    found = reply(result(response={"status_code": 200, "body": long}))
    assert (found.outcome, len(found.raw)) == (Outcome.TOO_LARGE, REPLY_LIMIT_BYTES)
    assert found.true_length == len(json.dumps(long))
