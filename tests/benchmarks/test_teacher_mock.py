"""The measuring teacher refuses, limits and counts as the load says."""

import json
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from benchmarks.teacher_cases import BURST, CASES, Case
from benchmarks.teacher_mock import Mock

pytestmark = pytest.mark.slow

QUICK = Case("quick", in_flight=10, latency_s=0.02, prompts=100)


def ask(mock: Mock, number: int, **headers: str) -> httpx.Response:
    messages = [{"role": "user", "content": f"prompt {number}"}]
    body = {"model": "mock", "messages": messages}
    return httpx.post(f"{mock.base_url}/chat/completions", json=body, headers=headers, timeout=30)


def ask_all(mock: Mock, numbers: Sequence[int]) -> list[httpx.Response]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda number: ask(mock, number), numbers))


def text_of(reply: httpx.Response) -> str:
    return reply.json()["choices"][0]["message"]["content"]


def test_answers_are_as_long_as_promised_and_all_different() -> None:
    with Mock(QUICK) as mock:
        replies = ask_all(mock, range(20))
        seen = mock.seen()
    texts = [text_of(reply) for reply in replies]
    assert len(set(texts)) == 20
    assert all(150 < len(text) < 240 for text in texts)
    assert replies[0].json()["usage"] == {
        "prompt_tokens": 60, "completion_tokens": 45, "total_tokens": 105,
    }  # fmt: skip
    assert (seen.arrivals, seen.prompts, seen.answered, seen.sent_again) == (20, 20, 20, 0)
    assert 1 <= seen.most_in_flight <= 4
    assert seen.window_s >= QUICK.latency_s


def test_what_is_asked_twice_is_counted_twice() -> None:
    with Mock(QUICK) as mock:
        ask_all(mock, [1, 2, 3])
        ask_all(mock, [3])
        seen = mock.seen()
    assert (seen.arrivals, seen.prompts, seen.sent_again, seen.answered_again) == (4, 3, 1, 1)


def test_a_client_that_is_gone_has_not_been_answered() -> None:
    with Mock(Case("slow", in_flight=1, latency_s=60.0, prompts=1)) as mock:
        host, port = mock.root_url.removeprefix("http://").split(":")
        body = json.dumps({"messages": [{"role": "user", "content": "prompt 1"}]}).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(head + body)
            wait_until(mock, arrivals=1)
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(head + body)
            wait_until(mock, arrivals=2)
        seen = mock.seen()
    assert (seen.answered, seen.sent_again, seen.answered_again) == (0, 1, 0)


def wait_until(mock: Mock, *, arrivals: int) -> None:
    deadline_s = time.monotonic() + 20
    while mock.seen().arrivals < arrivals:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_poison_is_refused_every_time_it_comes() -> None:
    case = Case("poison", in_flight=1, latency_s=0.0, prompts=10, poison_every=5)
    with Mock(case) as mock:
        first = [ask(mock, number).status_code for number in range(10)]
        again = [ask(mock, number).status_code for number in (4, 9, 0)]
        seen = mock.seen()
    assert [number for number, status in enumerate(first) if status == 400] == [4, 9]
    assert again == [400, 400, 200]
    assert (seen.answered, seen.refused) == (8, 4)


def test_a_limit_lets_a_burst_in_and_no_more() -> None:
    case = Case("limit", in_flight=1, latency_s=0.0, prompts=30, limit_per_s=0.001)
    with Mock(case) as mock:
        replies = [ask(mock, number) for number in range(BURST + 5)]
        seen = mock.seen()
    limited = [reply for reply in replies if reply.status_code == 429]
    assert len(limited) == seen.limited == 5
    assert {reply.headers["retry-after"] for reply in limited} == {"1"}
    assert seen.prompts == BURST


def test_our_own_steps_get_what_they_read() -> None:
    with Mock(QUICK) as mock:
        proposed, classified = (
            text_of(ask(mock, number, **{"X-Cultivar-Step": step}))
            for number, step in enumerate(("propose", "classify"))
        )
    assert [line.partition(".")[0] for line in proposed.splitlines()] == [
        str(number) for number in range(9, 16)
    ]
    assert classified == "No"


def test_a_look_for_limits_with_no_prompt_is_not_a_call() -> None:
    with Mock(QUICK) as mock:
        empty: dict[str, Any] = {"model": "mock", "messages": []}
        assert httpx.post(f"{mock.base_url}/chat/completions", json=empty).status_code == 400
        assert httpx.get(f"{mock.base_url}/models").json()["data"][0]["id"] == "mock"
        assert mock.seen().arrivals == 0


def test_the_long_tail_keeps_its_mean() -> None:
    case = CASES["long_tail"]
    waits = [case.wait_s(number) for number in range(1, case.prompts + 1)]
    assert sum(waits) / len(waits) == pytest.approx(case.latency_s)
    assert waits.count(case.latency_s * 5.5) == case.prompts // 10


@pytest.mark.parametrize(("name", "ideal_s"), [("steady_500", 10.0), ("rate_limit", 29.5)])
def test_ideal_times(name: str, ideal_s: float) -> None:
    assert CASES[name].ideal_s == pytest.approx(ideal_s)
