"""The form of the logs: JSON lines, exceptions without their words, libraries from INFO up."""

import json
import os
import subprocess
import sys

from app.embedded.migrate import ROOT

SECRET = "the canary's own words"


def logged(code: str, level: str = "DEBUG", secrets: str = "") -> list[dict[str, object]]:
    """What a process of its own logs."""
    start = f"from app.logs import configure_logs\nconfigure_logs({level!r}, [{secrets!r}])\n"
    ran = subprocess.run(
        [sys.executable, "-c", start + code],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout == ""
    return [json.loads(line) for line in ran.stderr.splitlines()]


def test_an_exception_is_told_without_its_words() -> None:
    lines = logged(f"""
import logging, structlog
def fail():
    try:
        raise KeyError({SECRET!r})
    except KeyError as error:
        raise ValueError({SECRET!r}) from error
for log in (structlog.get_logger("app.x"), logging.getLogger("library")):
    try:
        fail()
    except ValueError:
        log.exception("failed")
""")
    assert len(lines) == 2
    for line in lines:
        assert (line["event"], line["level"]) == ("failed", "error")
        exception = line["exception"]
        assert isinstance(exception, list)
        assert [each["type"] for each in exception] == ["builtins.ValueError", "builtins.KeyError"]
        assert any(frame.endswith(" fail") for frame in exception[0]["frames"])
        assert SECRET not in json.dumps(line)


def test_a_failed_task_is_told_without_its_words() -> None:
    lines = logged(f"""
from celery import Celery
app = Celery(broker="memory://")
app.conf.update(task_always_eager=True)
@app.task(name="failing")
def failing():
    raise ValueError({SECRET!r})
from celery.app.trace import build_tracer
build_tracer("failing", failing, app=app)("task-id", (), {{}}, {{"id": "task-id"}})
""")
    told = [line for line in lines if "failing" in str(line["event"])]
    assert len(told) == 1
    assert "task-id" in str(told[0]["event"])
    assert SECRET not in json.dumps(lines)


def test_libraries_begin_at_info_and_ids_are_bound() -> None:
    lines = logged("""
import logging, structlog
from structlog.contextvars import bound_contextvars
log = structlog.get_logger("app.x")
for name in ("openai._base_client", "httpx2", "sqlalchemy.engine"):
    logging.getLogger(name).debug("Request options: a prompt")
with bound_contextvars(job="1"):
    log.debug("ours", slot="2")
    logging.getLogger("app.llm").debug("old style")
""")
    found = [(line["event"], line["job"], line.get("slot")) for line in lines]
    assert found == [("ours", "1", "2"), ("old style", "1", None)]


def test_a_higher_level_holds_for_all() -> None:
    code = """
import logging, structlog
structlog.get_logger("app.x").info("ours")
logging.getLogger("library").info("theirs")
logging.getLogger("app.x").warning("last")
"""
    assert [line["event"] for line in logged(code, "WARNING")] == ["last"]


def test_keys_and_passwords_are_masked_whoever_logs_them() -> None:
    """Rows 3 and 23: by name, by look, and with control characters escaped."""
    secret = 'pa"ss-0123'
    code = f"""
import logging, structlog
quoted = {secret!r}
ours, theirs = structlog.get_logger("app.x"), logging.getLogger("library")
for log in (ours, theirs, logging.getLogger("app.y")):
    log.warning("connecting to postgresql://me:hunter22@db/x with sk-canary-123456")
    log.warning("Authorization: Bearer abcdefgh12345 and " + quoted)
    log.warning("GET /v1/jobs?key=cvr_local_AbC-dEf_123456 /dashboard/login?ticket=Tick-et_123456")
    try:
        raise ValueError(quoted)
    except ValueError:
        log.exception("failed " + quoted, stack_info=True)
theirs.warning("%s", {{"api_key": quoted, "n": "\\x1b[31m\\r\\nforged"}})
"""
    lines = logged(code, "INFO", secret)
    told = json.dumps(lines)
    assert len(lines) == 13
    ours = ("dEf_123456", "ick-et_123")
    for secret_part in ("hunter22", "sk-canary", "abcdefgh12345", secret, json.dumps(secret)[1:-1]):
        assert secret_part not in told
    assert not any(each in told for each in ours)
    assert "[key]" in told
    assert "\x1b" not in told
