"""Tests of trying a teacher out: what works, and at which stage the rest fails."""

import orjson
import pytest

from app.errors import TeacherFailure
from app.llm.check import check_teacher
from tests.llm.calls import KEY, teacher_at
from tests.llm.scripted_teacher import answers, completion, scripted_teacher


def refused(status: int, message: str, code: str | None = None) -> tuple[int, bytes]:
    return status, orjson.dumps({"error": {"message": message, "code": code}})


def test_a_teacher_that_works_is_reported():
    with scripted_teacher(answers(completion("Blue."), x_request_id="r1")) as server:
        report = check_teacher(teacher_at(server.base_url))

    assert (report.text, report.finish_reason, report.request_id) == ("Blue.", "stop", "r1")
    assert (report.prompt_tokens, report.completion_tokens) == (7, 3)
    assert server.bodies()[0]["max_tokens"] == 16
    assert len(server.arrivals) == 1


def test_a_thinking_model_that_ran_out_of_tokens_works():
    body = orjson.dumps({"choices": [{"message": {"content": None}, "finish_reason": "length"}]})
    with scripted_teacher(answers(body)) as server:
        assert check_teacher(teacher_at(server.base_url)).text == ""


@pytest.mark.parametrize(
    ("answer", "stage", "words"),
    [
        (refused(401, f"Incorrect API key provided: {KEY}"), "auth", "Incorrect API key"),
        (refused(403, "Country not supported"), "auth", "Country"),
        (refused(429, "You exceeded your quota", "insufficient_quota"), "auth", "quota"),
        (refused(404, "The model m does not exist"), "model", "does not exist"),
        (refused(400, "no model m", "model_not_found"), "model", "no model m"),
        (refused(400, "max_tokens is unsupported"), "reply", "unsupported"),
        ((200, b"<html>Welcome</html>"), "reply", "Welcome"),
        ((200, b'{"choices": []}'), "reply", "empty_choices"),
        ((302, b""), "reply", "redirects"),
        ((503, b""), "reply", "503"),
    ],
)
def test_failures_name_their_stage(answer: tuple[int, bytes], stage: str, words: str):
    status, body = answer
    with (
        scripted_teacher(answers(body, status)) as server,
        pytest.raises(TeacherFailure) as raised,
    ):
        check_teacher(teacher_at(server.base_url))

    assert raised.value.stage == stage
    assert words in raised.value.detail
    assert KEY not in raised.value.detail


@pytest.mark.parametrize(
    ("address", "stage"),
    [
        ("http://127.0.0.1:9/v1", "tcp"),
        ("http://no-such-host.invalid/v1", "dns"),
        ("nonsense", "dns"),
    ],
)
def test_an_unreachable_teacher_names_its_stage(address: str, stage: str):
    with pytest.raises(TeacherFailure) as raised:
        check_teacher(teacher_at(address))

    assert raised.value.stage == stage


def test_a_plain_server_behind_https_fails_at_tls():
    with (
        scripted_teacher(answers(completion())) as server,
        pytest.raises(TeacherFailure) as raised,
    ):
        check_teacher(teacher_at(server.base_url.replace("http:", "https:")))

    assert raised.value.stage == "tls"
