"""Wakes: sent after the fact, once each, and never waited for."""

import time
from collections.abc import Callable

import redis

from app.db.ids import new_id
from app.embedded.ports import free_port
from app.wakeups import CeleryWake


def length(redis_url: str, queue: str) -> int:
    with redis.Redis.from_url(redis_url) as client:
        return int(client.llen(f"cultivar:{queue}"))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_a_wake_is_one_message_with_one_id_and_no_more(redis_url: str) -> None:
    wake, job_id = CeleryWake(redis_url), new_id()
    wake.generate(job_id)
    wake.admit(job_id)
    wake.export(job_id)
    wait_for(lambda: all(length(redis_url, name) == 1 for name in ("generate", "admit", "export")))
    with redis.Redis.from_url(redis_url) as client:
        message = client.lindex("cultivar:generate", 0)
    assert isinstance(message, bytes)
    assert b"application/json" in message
    wake.close()


def test_without_redis_a_wake_is_dropped_and_nobody_waits() -> None:
    wake = CeleryWake(f"redis://127.0.0.1:{free_port()}/0")
    started_s = time.monotonic()
    for _ in range(100):
        wake.generate(new_id())
    assert time.monotonic() - started_s < 0.5
    wake.close(timeout_s=0.1)
