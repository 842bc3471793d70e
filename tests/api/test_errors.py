"""Every kind of failure has a status, and what nobody foresaw is a 500 that says nothing."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from app import errors
from app.api.envelope import Envelope
from app.api.errors import STATUSES, install
from app.errors import (
    Conflict,
    CultivarError,
    DatabaseFull,
    InsufficientStorage,
    InUse,
    InvalidInput,
    NotFound,
    Problem,
    TeacherFailure,
    TooLarge,
    Unavailable,
)


def kinds(kind: type[CultivarError]) -> set[type[CultivarError]]:
    """A kind and all kinds below it, as `app.errors` draws them."""
    below = {each for each in kind.__subclasses__() if each.__module__ == errors.__name__}
    return {kind}.union(*map(kinds, below))


def test_every_kind_is_in_the_table() -> None:
    assert set(STATUSES) == kinds(CultivarError)


def answering(failure: Exception) -> TestClient:
    """A client of an application whose only address fails so."""
    app = FastAPI()

    @app.get("/")
    def fail() -> None:
        raise failure

    install(app)
    app.add_middleware(Envelope)
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (InvalidInput("x"), 422, "invalid_input"),
        (InvalidInput("x", problems=[Problem("/a", "blank", "x")]), 422, "blank"),
        (InvalidInput("x", problems=[Problem("/a", "blank", "x")], code="own"), 422, "own"),
        (TooLarge("x"), 413, "too_large"),
        (NotFound("x"), 404, "not_found"),
        (Conflict("x"), 409, "invalid_state"),
        (Conflict("x", code="name_taken"), 409, "name_taken"),
        (InUse("x"), 409, "in_use"),
        (TeacherFailure("x", stage="tls"), 422, "provider_check_failed"),
        (InsufficientStorage("x"), 507, "insufficient_storage"),
        (DatabaseFull("x"), 503, "insufficient_storage"),
        (Unavailable("x"), 503, "temporarily_unavailable"),
        (CultivarError("x"), 500, "error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_a_kind_becomes_its_status_and_report(failure: Exception, status: int, code: str) -> None:
    answer = answering(failure).get("/")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in answer.headers) == (status == 503)
    assert (answer.headers.get("connection") == "close") == (status == 413)


def test_further_members_are_reported() -> None:
    problems = [Problem("/a", "blank", "x"), Problem("/b", "too_long", "y")]
    report = answering(InvalidInput("x", problems=problems)).get("/").json()
    assert [each["pointer"] for each in report["errors"]] == ["/a", "/b"]
    assert report["code"] == "invalid_input"
    assert answering(TeacherFailure("x", stage="tls")).get("/").json()["stage"] == "tls"


def test_an_accident_is_logged_and_not_shown() -> None:
    with capture_logs() as logs:
        answer = answering(RuntimeError("postgresql://user:secret@host")).get("/")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    told = [(line["event"], line["request"]) for line in logs]
    assert told == [("request_failed", answer.json()["instance"])]
    assert logs[0]["exc_info"]
