"""A real OpenAI-compatible server as teacher: `transformers serve` with a tiny random model.

It has habits of its own: errors under `detail`, a plain-text 500 after which it hangs up, no key,
no limits, one reply at a time. A random model writes nothing usable, which is a case as well.
"""

import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.embedded.ports import free_port
from app.embedded.process import spawn, stop
from app.errors import TeacherFailure
from app.llm.check import Stage, check_teacher
from app.llm.client import Endpoint, Fault, Outcome, Teacher
from app.llm.replies import read_reply
from app.runtime import Runtime
from app.use_cases import jobs
from tests import invariants
from tests.driving import SEEDS, add_seeds, add_teacher, running_driver, running_runtime
from tests.llm.calls import ask, opened, teacher_at
from tests.other_environment import UnavailableError, python_with

PACKAGES = ("torch==2.13.0", "transformers[serving]==5.24.0")
MODEL = "./tiny"
INSTALL_S, START_S = 1800, 300.0
CALLS = 6

pytestmark = [pytest.mark.long, pytest.mark.timeout(INSTALL_S)]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with a model that was made a moment ago."""
    try:
        python = python_with("transformers-serve", PACKAGES)
    except UnavailableError as reason:
        pytest.skip(f"transformers serve is not to be had: {reason}")
    folder = tmp_path_factory.mktemp("serve")
    log, port = folder / "serve.log", free_port()
    hub = folder / "home" / "hub"
    hub.mkdir(parents=True)  # without it /v1/models is a 500
    surroundings = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(hub.parent), "PYTHONPATH": ""}
    maker = Path(__file__).with_name("tiny_model.py")
    made = spawn(
        [str(python), str(maker), str(SEEDS), MODEL],
        log=log, death_signal=signal.SIGKILL, environment=surroundings, directory=folder,
    )  # fmt: skip
    assert made.wait(START_S) == 0, log.read_text()
    command = [str(python.with_name("transformers")), "serve", MODEL, "--host", "127.0.0.1"]
    server = spawn(
        [*command, "--port", str(port), "--device", "cpu", "--default-seed", "1"],
        log=log, death_signal=signal.SIGKILL, environment=surroundings, directory=folder,
    )  # fmt: skip
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        stop(server, [(signal.SIGTERM, 10.0)])


def _wait_until_ready(address: str, log: Path) -> None:
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s:
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def tiny(base_url: str, **changes: Any) -> Teacher:
    return teacher_at(base_url, model=MODEL, **changes)


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    with running_runtime(database_url, tmp_path / "home") as runtime:
        yield runtime


def test_a_check_reports_it_as_working(base_url: str) -> None:
    report = check_teacher(tiny(base_url))
    assert report.text
    assert report.finish_reason == "length"
    assert report.completion_tokens == 16
    assert report.prompt_tokens


@pytest.mark.parametrize("endpoint", [Endpoint.CHAT, Endpoint.COMPLETIONS])
def test_replies_of_both_endpoints_are_read(base_url: str, endpoint: Endpoint) -> None:
    teacher = tiny(base_url, endpoint=endpoint)
    with opened() as door:
        replies = ask(door, teacher, count=3)
    assert {reply.outcome for reply in replies} == {Outcome.ANSWERED}
    read = [read_reply(endpoint, reply.raw) for reply in replies]
    assert all(each.completion and each.completion.text for each in read)
    assert all(each.prompt_tokens and each.completion_tokens for each in read)
    assert all(0 < (each.completion_tokens or 0) <= 64 for each in read)


@pytest.mark.parametrize(
    ("changes", "outcome", "status", "words"),
    [
        ({"model": "another"}, Outcome.REFUSED, 400, "requested 'another'"),
        ({"extra_body": {"nonsense": 1}}, Outcome.REFUSED, 422, "Unexpected fields"),
        ({"extra_body": {"max_tokens": 0}}, Outcome.SERVER_ERROR, 500, "Internal Server Error"),
    ],
)
def test_its_errors_keep_their_words(
    base_url: str, changes: dict[str, Any], outcome: Outcome, status: int, words: str
) -> None:
    with opened() as door:
        (reply,) = ask(door, replace(tiny(base_url), **changes))
    assert (reply.outcome, reply.status) == (outcome, status), reply.error
    assert reply.error is not None
    assert words in reply.error


def test_a_missing_endpoint_is_named(base_url: str) -> None:
    with pytest.raises(TeacherFailure, match="Not found") as failure:
        check_teacher(tiny(base_url, endpoint=Endpoint.EMBEDDINGS))
    assert failure.value.stage == Stage.MODEL


def test_a_connection_on_which_it_hung_up_costs_one_call_at_most(base_url: str) -> None:
    good = tiny(base_url)
    with opened() as door:
        for _ in range(3):
            (broken,) = ask(door, replace(good, extra_body={"max_tokens": 0}))
            assert broken.outcome is Outcome.SERVER_ERROR
            (next_one,) = ask(door, good)
            if next_one.outcome is not Outcome.ANSWERED:  # sent before the hang-up was noticed
                assert (next_one.outcome, next_one.fault) == (Outcome.UNKNOWN, Fault.RESET)
                (next_one,) = ask(door, good)
            assert next_one.outcome is Outcome.ANSWERED, next_one.error


def test_a_job_ends_and_every_reply_is_stored(base_url: str, runtime: Runtime) -> None:
    record = add_teacher(
        runtime, base_url, model=MODEL, max_concurrency=4, extra_body={"max_tokens": 24}
    )
    details = jobs.JobDetails(
        seed_set_id=add_seeds(runtime), teacher_id=record.id, target_rows=20, cap_calls=CALLS
    )
    job = jobs.submit(runtime, details)
    with running_driver(runtime) as driver:
        ended = driver.finish(job.id)
    assert (ended.state, ended.reason) == ("succeeded", "calls_exhausted"), ended
    with runtime.database.transaction() as connection:
        statement = (
            "SELECT outcome, raw, prompt_tokens, completion_tokens, cost_micro_usd FROM completions"
        )
        stored = connection.execute(sa.text(statement)).all()
    assert len(stored) == CALLS
    for outcome, raw, prompt_tokens, completion_tokens, _ in stored:
        assert outcome == "answered"
        read = read_reply(Endpoint.CHAT, raw)
        assert (read.prompt_tokens, read.completion_tokens) == (prompt_tokens, completion_tokens)
        assert prompt_tokens > 100
    assert ended.spent_micro_usd == sum(each.cost_micro_usd for each in stored) > 0
    invariants.check(runtime)
