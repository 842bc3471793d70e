"""The key, the quota, the token bucket, the known models and the context length."""

import time

import httpx

from app.demo_teacher.gates import TokenBucket
from tests.demo_teacher.talking import ask, complete, text_of
from tests.demo_teacher_process import start_demo_teacher


def test_only_the_right_key_is_let_in() -> None:
    with start_demo_teacher(latency_s=0, api_key="secret") as teacher:
        assert complete(teacher, "x").status_code == 401
        wrong = {"Authorization": "Bearer wrong"}
        assert complete(teacher, "x", headers=wrong).json()["error"]["code"] == "invalid_api_key"
        right = {"Authorization": "Bearer secret"}
        assert text_of(complete(teacher, "x", headers=right))
        assert httpx.get(f"{teacher.base_url}/models").status_code == 401
        assert httpx.get(f"{teacher.root_url}/healthz").status_code == 200


def test_quota_and_key_end_after_so_many_calls() -> None:
    with start_demo_teacher(latency_s=0, quota_after=3) as teacher:
        codes = [complete(teacher, f"{n}").status_code for n in range(5)]
        assert codes == [200, 200, 200, 429, 429]
        assert complete(teacher, "x").json()["error"]["code"] == "insufficient_quota"
        teacher.reset()
        assert complete(teacher, "x").status_code == 200
    with start_demo_teacher(latency_s=0, unauthorized_after=2) as teacher:
        assert [complete(teacher, f"{n}").status_code for n in range(4)] == [200, 200, 401, 401]


def test_the_bucket_holds_a_burst_and_refills() -> None:
    with start_demo_teacher(latency_s=0, rate_limit_per_s=10, burst=5) as teacher:
        replies = [complete(teacher, f"{n}") for n in range(8)]
        codes = [reply.status_code for reply in replies]
        assert codes[:5] == [200] * 5
        assert codes.count(429) >= 2
        limited = replies[codes.index(429)]
        assert limited.headers["retry-after"] == "1"
        assert limited.headers["x-ratelimit-limit-requests"] == "5"
        assert limited.headers["x-ratelimit-reset-requests"].endswith("ms")
        assert limited.json()["error"]["code"] == "rate_limit_exceeded"
        time.sleep(0.35)
        later = [complete(teacher, f"later {n}").status_code for n in range(3)]
        assert later == [200, 200, 200]
        assert teacher.stats()["status_429"] == codes.count(429)


def test_a_bucket_counts_by_the_clock_it_is_given() -> None:
    bucket = TokenBucket(rate_per_s=2, burst=2, filled=2, filled_at_s=100.0)
    assert [bucket.take(100.0), bucket.take(100.0)] == [0.0, 0.0]
    assert bucket.take(100.0) == 0.5
    assert bucket.take(100.25) == 0.25
    assert bucket.take(100.5) == 0.0
    assert [bucket.take(200.0) for _ in range(3)] == [0.0, 0.0, 0.5]


def test_only_listed_models_are_known() -> None:
    with start_demo_teacher(latency_s=0, model=["small", "large"]) as teacher:
        listed = httpx.get(f"{teacher.base_url}/models").json()
        assert [model["id"] for model in listed["data"]] == ["small", "large"]
        assert httpx.get(f"{teacher.base_url}/models/small").json()["object"] == "model"
        assert httpx.get(f"{teacher.base_url}/models/other").status_code == 404
        assert ask(teacher, "completions", model="small", prompt="x").status_code == 200
        missing = ask(teacher, "completions", model="other", prompt="x")
        assert missing.status_code == 404
        assert missing.json()["error"]["code"] == "model_not_found"


def test_prompts_past_the_context_are_refused() -> None:
    with start_demo_teacher(latency_s=0, context_tokens=100) as teacher:
        assert complete(teacher, "x" * 400).status_code == 200
        for fields in ({"prompt": "x" * 401}, {"prompt": "x" * 200, "max_tokens": 51}):
            reply = ask(teacher, "completions", **fields)
            assert reply.status_code == 400
            assert reply.json()["error"]["code"] == "context_length_exceeded"
            assert "Please reduce your prompt" in reply.json()["error"]["message"]
