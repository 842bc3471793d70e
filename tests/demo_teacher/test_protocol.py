"""The OpenAI shapes: what goes in, what comes out, how texts are cut."""

import re
import socket
from typing import Any

import httpx
import openai
import pytest

from app.demo_teacher.protocol import Choice, count_tokens, cut
from tests.demo_teacher.talking import LIST_PROMPT, ask, chat, complete, text_of
from tests.demo_teacher_process import RunningTeacher


def test_completions_has_every_field(teacher: RunningTeacher) -> None:
    reply = complete(teacher, LIST_PROMPT).json()
    assert reply["id"].startswith("cmpl-")
    assert reply["object"] == "text_completion"
    assert isinstance(reply["created"], int)
    assert reply["model"] == "demo"
    (choice,) = reply["choices"]
    assert choice.keys() == {"text", "index", "logprobs", "finish_reason"}
    assert choice["finish_reason"] == "stop"
    tokens = {"prompt_tokens": len(LIST_PROMPT) / 4, "completion_tokens": len(choice["text"]) / 4}
    usage = reply["usage"]
    for name, exact in tokens.items():
        assert exact <= usage[name] < exact + 1
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_chat_has_every_field(teacher: RunningTeacher) -> None:
    reply = chat(teacher, LIST_PROMPT).json()
    assert reply["id"].startswith("chatcmpl-")
    assert reply["object"] == "chat.completion"
    (choice,) = reply["choices"]
    assert choice.keys() == {"index", "message", "logprobs", "finish_reason"}
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]


def test_the_official_client_reads_every_endpoint(teacher: RunningTeacher) -> None:
    with openai.OpenAI(base_url=teacher.base_url, api_key="none", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["demo-teacher"]
        talk = client.chat.completions.create(
            model="demo",
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
            ],
            n=2,
        )
        assert [choice.index for choice in talk.choices] == [0, 1]
        text = client.completions.create(model="demo", prompt=["One?", "Two?"], n=2)
        assert len(text.choices) == 4
        assert len({choice.text for choice in text.choices}) == 4
        assert text.usage is not None
        with pytest.raises(openai.BadRequestError, match="messages"):
            client.chat.completions.create(model="demo", messages=[])


def test_stop_cuts_before_the_stop_string(teacher: RunningTeacher) -> None:
    whole = text_of(complete(teacher, LIST_PROMPT))
    cut_reply = complete(teacher, LIST_PROMPT, stop=["\n11", "11."])
    assert text_of(cut_reply) == whole[: whole.index("\n11")]
    assert cut_reply.json()["choices"][0]["finish_reason"] == "stop"


def test_max_tokens_cuts_and_says_length(teacher: RunningTeacher) -> None:
    whole = text_of(complete(teacher, LIST_PROMPT))
    for name in ("max_tokens", "max_completion_tokens"):
        reply = complete(teacher, LIST_PROMPT, **{name: 3}).json()
        assert reply["choices"][0]["text"] == whole[:12]
        assert reply["choices"][0]["finish_reason"] == "length"
        assert reply["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(
    ("text", "stops", "max_tokens", "wanted"),
    [
        ("abcdef", [], None, Choice("abcdef", "stop")),
        ("abcdef", ["e", "c"], None, Choice("ab", "stop")),
        ("abcdefghij", ["j"], 2, Choice("abcdefgh", "length")),
        ("abcdefghij", ["h"], 2, Choice("abcdefg", "stop")),
        ("abcdefgh", [], 2, Choice("abcdefgh", "stop")),
    ],
)
def test_cut(text: str, stops: list[str], max_tokens: int | None, wanted: Choice) -> None:
    assert cut(text, stops, max_tokens) == wanted


def test_tokens_are_quarters_of_characters_rounded_up() -> None:
    assert [count_tokens("x" * length) for length in (0, 1, 4, 5)] == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("path", "fields", "named"),
    [
        ("completions", {"prompt": 7}, "prompt"),
        ("completions", {"prompt": []}, "prompt"),
        ("completions", {"prompt": "x", "n": 0}, "n"),
        ("completions", {"prompt": "x", "max_tokens": "many"}, "max_tokens"),
        ("completions", {"prompt": "x", "stop": ["a"] * 5}, "stop"),
        ("completions", {"prompt": "x", "model": ""}, "model"),
        ("completions", {"prompt": "x", "stream": True}, "stream"),
        ("chat/completions", {"messages": "x"}, "messages"),
        ("chat/completions", {"messages": [{"content": "x"}]}, "messages[0]"),
        ("chat/completions", {"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ("embeddings", {"input": 1}, "input"),
    ],
)
def test_wrong_requests_name_the_field(
    teacher: RunningTeacher, path: str, fields: dict[str, Any], named: str
) -> None:
    reply = ask(teacher, path, **fields)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["param"] == named


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"model": "\\ud800"}'])
def test_bodies_that_are_no_json_object_are_refused(teacher: RunningTeacher, body: bytes) -> None:
    reply = httpx.post(f"{teacher.base_url}/completions", content=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"


def test_unknown_paths_are_404(teacher: RunningTeacher) -> None:
    assert httpx.get(f"{teacher.base_url}/nothing").status_code == 404
    assert httpx.get(f"{teacher.base_url}/completions").status_code == 404
    assert httpx.get(f"{teacher.root_url}/healthz").json() == {"status": "ok"}


def test_every_reply_carries_a_request_id(teacher: RunningTeacher) -> None:
    names = {complete(teacher, "Hello?").headers["x-request-id"] for _ in range(3)}
    assert len(names) == 3
    assert all(re.fullmatch(r"req_\d+", name) for name in names)


def test_statistics_count_calls_and_tokens(teacher: RunningTeacher) -> None:
    before = teacher.stats()
    usage = complete(teacher, LIST_PROMPT).json()["usage"]
    chat(teacher, "Task: Sing.\nIs it classification?")
    after = teacher.stats()
    assert after["calls"] == before["calls"] + 2
    assert after["by_step"]["propose"] == before["by_step"].get("propose", 0) + 1
    assert after["by_step"]["classify"] == before["by_step"].get("classify", 0) + 1
    assert after["prompt_tokens"] - before["prompt_tokens"] >= usage["prompt_tokens"]
    assert after["in_flight"] == 0
    assert after["first_request_at"] < after["last_reply_at"]


def test_a_long_body_arrives_whole(teacher: RunningTeacher) -> None:
    prompt = "Say something about this: " + "long text " * 100_000
    assert complete(teacher, prompt).json()["usage"]["prompt_tokens"] == count_tokens(prompt)


def test_a_client_that_leaves_half_way_does_no_harm(teacher: RunningTeacher) -> None:
    calls = teacher.stats()["calls"]
    host, port = teacher.root_url.removeprefix("http://").split(":")
    head = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as left:
        left.sendall(head + b'{"model"')
    assert text_of(complete(teacher, "Still there?"))
    assert teacher.stats()["calls"] == calls + 1
