"""What a whole service logs at DEBUG while calls go wrong: ids, and neither a key nor a text."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.embedded import programs
from app.runtime import Runtime
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import SEEDS, running_runtime
from tests.end_to_end.fleet import Client, Fleet
from tests.end_to_end.places import environments, pages, tables, watched

pytestmark = pytest.mark.slow
KEY = "sk-canary-0123456789abcdef"
FAULTS = (
    "429_reset=0.02,500=0.03,408=0.01,409=0.01,html=0.03,refuse=0.03,reset=0.02,"
    "reset_early=0.02,truncated=0.03,redirect=0.02,huge=0.01,gzip_bomb=0.01,bad_utf8=0.02,"
    "empty_choices=0.02,null_content=0.02,length=0.02,content_filter=0.02,no_usage=0.02,"
    "absurd_usage=0.01,nul=0.02,surrogate=0.02"
)
PIECE = 25


def pieces(text: str) -> Iterator[str]:
    """Parts of a text long enough that nobody writes them by chance, as JSON would show them."""
    for at in range(0, len(text) - PIECE + 1, PIECE):
        piece = text[at : at + PIECE]
        if " " in piece.strip():
            yield json.dumps(piece)[1:-1]


def texts(runtime: Runtime) -> set[str]:
    """Parts of every prompt, reply and candidate that the job has seen."""
    queries = (
        "SELECT prompt::text FROM slots",
        "SELECT encode(raw, 'escape') FROM completions WHERE status = 200",
        "SELECT instruction FROM candidates",
        "SELECT instruction FROM seeds",
    )
    with runtime.database.transaction() as connection:
        found = [text for query in queries for text in connection.scalars(sa.text(query))]
    return {piece for text in found for piece in pieces(text)}


def json_lines(text: str) -> list[str]:
    """The lines of a log without the banner that Celery prints."""
    return [line for line in text.splitlines() if line.startswith("{")]


def test_debug_logs_hold_ids_and_nothing_else(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the canary of row 3: the key that the teacher was called with is found nowhere."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with (
        watched(redis_url) as said,
        start_demo_teacher(seed=7, faults=FAULTS, api_key=KEY) as teacher,
        Fleet(database_url, redis_url, tmp_path / "home") as fleet,
    ):
        fleet.environment["CULTIVAR_LOG_LEVEL"] = "DEBUG"
        fleet.start_workers()
        fleet.start_api()
        client = Client(fleet.api_url)
        body: dict[str, Any] = {
            "seed_set_id": client.add_seeds(SEEDS),
            "teacher_id": client.add_teacher(base_url=teacher.base_url, api_key=KEY),
            "target_rows": 15,
        }
        job = client.call("POST", "/v1/jobs", json=body)
        job = client.wait_for_job(job["id"])
        _, exported = client.export(job["id"], "alpaca")
        started = [process.pid for process in fleet.processes.values()]
        places = {
            **pages(fleet.api_url, job["id"], body["teacher_id"]),
            **tables(database_url),
            **environments(started),
            "export": exported,
        }
        client.close()
        logs = {name: fleet.log(name) for name in ("generate", "other", "api")}
    assert sum(job["errors"].values()) >= 3, job["errors"]
    lines = [json.loads(line) for text in logs.values() for line in json_lines(text)]
    calls = [line for line in lines if line["event"] == "call_ended"]
    assert len(calls) >= 20
    assert all(line["slot"] and line["teacher"] and line["attempt"] for line in calls)
    slices = [line for line in lines if line["event"] == "slice_begun"]
    assert {line["job"] for line in slices} == {job["id"]}
    written = "\n".join(logs.values())
    places |= {"redis": b"\n".join(said), "logs": written.encode()}
    spelled = (KEY.encode(), KEY.encode().hex().encode(), base64.b64encode(KEY.encode())[:-4])
    assert [name for name, place in places.items() if any(each in place for each in spelled)] == []
    assert b"cultivar.generate" in places["redis"]
    assert any(b"CULTIVAR_HOME" in place for place in places.values())
    with running_runtime(database_url, tmp_path / "other") as runtime:
        looked_for = texts(runtime)
    assert len(looked_for) > 100
    assert [piece for piece in looked_for if piece in written] == []


def test_a_worker_that_lost_its_door_ends_and_is_missed(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """The thread of its calls ends in the middle of a job; another worker finishes the job."""
    with (
        start_demo_teacher(seed=7, latency_s=0.2) as teacher,
        Fleet(database_url, redis_url, tmp_path / "home") as fleet,
    ):
        broken = programs.Program(
            "generate", tuple(_breaking(programs.worker("generate", ["generate"]).arguments))
        )
        fleet.start(broken)
        fleet.start(programs.worker("other", ["admit", "export"]))
        fleet.start_api()
        client = Client(fleet.api_url)
        body: dict[str, Any] = {
            "seed_set_id": client.add_seeds(SEEDS),
            "teacher_id": client.add_teacher(base_url=teacher.base_url),
            "target_rows": 10,
        }
        job = client.call("POST", "/v1/jobs", json=body)
        assert fleet.processes["generate"].wait(timeout=60) == 1
        assert "teacher_door_broken" in fleet.log("generate")
        fleet.start(programs.worker("generate", ["generate"]))
        job = client.wait_for_job(job["id"])
        client.close()
    assert job["state"] == "succeeded"
    assert job["errors"]["worker_lost"] >= 1
    assert job["money"]["reserved_micro_usd"] == 0


def _breaking(arguments: tuple[str, ...]) -> Iterator[str]:
    """The same worker, whose door loses its loop a second after the first call."""
    python, _, _, *rest = arguments
    code = f"""
import sys, threading, time
from workers.celery_app import celery_app, process
def break_it():
    while process.__dict__.get("_engine") is None or not process._engine.door.in_flight():
        time.sleep(0.05)
    process._engine.door._loop.call_soon_threadsafe(process._engine.door._loop.stop)
threading.Thread(target=break_it, daemon=True).start()
celery_app.start(argv={[word for word in rest if not word.startswith("--app=")]!r})
"""
    yield from (python, "-c", code)
