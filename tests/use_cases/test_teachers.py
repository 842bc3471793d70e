"""Teachers: a key goes in and never comes out, and never goes to another host."""

from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app.errors import Conflict, InvalidInput, NotFound, TeacherFailure
from app.runtime import Runtime
from app.use_cases import teachers
from app.use_cases.teachers import TeacherDetails
from tests.demo_teacher_process import start_demo_teacher

KEY = "sk-canary-7f3a9b2c4d5e"


def details(**changed: Any) -> TeacherDetails:
    values: dict[str, Any] = {
        "name": "main",
        "base_url": "https://api.example.com/v1",
        "model": "m",
        "api_key": SecretStr(KEY),
        "input_micro_usd_per_million": 1,
        "output_micro_usd_per_million": 2,
    }
    return TeacherDetails(**{**values, **changed})


def test_the_key_is_sealed_and_shown_by_its_end_only(runtime: Runtime) -> None:
    record = teachers.add(runtime, details())
    assert record.key_last4 == KEY[-4:]
    assert KEY not in repr(record) + repr(details())
    with runtime.database.transaction() as connection:
        dump = str(connection.execute(sa.text("SELECT * FROM teachers")).fetchall())
        sealed = connection.execute(sa.text("SELECT sealed_key FROM teachers")).scalar_one()
    assert KEY not in dump
    assert KEY.encode() not in bytes(sealed)
    opened = teachers.to_llm(runtime, teachers.get(runtime, record.id))
    assert opened.api_key is not None
    assert opened.api_key.get_secret_value() == KEY
    assert KEY not in repr(opened)


def test_another_origin_needs_the_key_again(runtime: Runtime) -> None:
    record = teachers.add(runtime, details())
    with pytest.raises(Conflict) as caught:
        teachers.change(runtime, record.id, {"base_url": "https://evil.example.com/v1"})
    assert caught.value.code == "key_reentry_required"
    assert teachers.get(runtime, record.id).base_url == "https://api.example.com/v1"
    same_host = teachers.change(runtime, record.id, {"base_url": "https://api.example.com/v2"})
    assert teachers.to_llm(runtime, same_host).api_key is not None
    moved = teachers.change(
        runtime,
        record.id,
        {"base_url": "https://other.example.com/v1", "api_key": SecretStr("sk-other-123456")},
    )
    assert moved.key_last4 == "3456"
    without = teachers.change(
        runtime, record.id, {"base_url": "https://third.example.com/v1", "api_key": None}
    )
    assert (without.key_last4, without.sealed_key) == (None, None)


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"name": ""}, "/name", "blank"),
        ({"model": " "}, "/model", "blank"),
        ({"base_url": "not a url"}, "/base_url", "provider_url_refused"),
        ({"base_url": "ftp://host/v1"}, "/base_url", "provider_url_refused"),
        ({"base_url": "https://user:pw@host/v1"}, "/base_url", "provider_url_refused"),
        ({"base_url": "https://host/v1?key=1"}, "/base_url", "provider_url_refused"),
        ({"base_url": "https://host/v1#x"}, "/base_url", "provider_url_refused"),
        ({"base_url": "https://host:99999/v1"}, "/base_url", "provider_url_refused"),
        ({"api_key": SecretStr("Bearer abc")}, "/api_key", "key_format"),
        ({"api_key": SecretStr("has space")}, "/api_key", "key_format"),
        ({"api_key": SecretStr("line\nbreak")}, "/api_key", "key_format"),
        ({"api_key": SecretStr("")}, "/api_key", "key_format"),
        ({"max_concurrency": 0}, "/max_concurrency", "out_of_range"),
        ({"requests_per_minute": 0}, "/requests_per_minute", "out_of_range"),
        ({"input_micro_usd_per_million": -1}, "/input_micro_usd_per_million", "out_of_range"),
        ({"timeout_s": float("nan")}, "/timeout_s", "out_of_range"),
        ({"endpoint": "batch"}, "/endpoint", "wrong_type"),
    ],
)
def test_what_cannot_be_used_is_named_and_the_key_is_not_repeated(
    runtime: Runtime, changed: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        teachers.add(runtime, details(**changed))
    assert (pointer, code) in {(each.pointer, each.code) for each in caught.value.problems}
    assert KEY not in str(caught.value.extra())
    assert not teachers.page(runtime).items


def test_a_name_is_given_once(runtime: Runtime) -> None:
    teachers.add(runtime, details())
    with pytest.raises(Conflict):
        teachers.add(runtime, details())
    other = teachers.add(runtime, details(name="other"))
    with pytest.raises(Conflict):
        teachers.change(runtime, other.id, {"name": "main"})


def test_a_teacher_is_tried_and_its_failure_has_a_stage(runtime: Runtime) -> None:
    with start_demo_teacher(latency_s=0.0, api_key=KEY) as running:
        good = teachers.add(runtime, details(base_url=running.base_url))
        assert teachers.check(runtime, good.id)
        bad = teachers.add(
            runtime,
            details(name="bad", base_url=running.base_url, api_key=SecretStr("sk-wrong-key-1")),
        )
        with pytest.raises(TeacherFailure) as caught:
            teachers.check(runtime, bad.id)
        assert caught.value.stage == "auth"
        assert "sk-wrong-key-1" not in caught.value.detail
    away = teachers.add(runtime, details(name="away", base_url="http://127.0.0.1:9/v1"))
    with pytest.raises(TeacherFailure) as caught:
        teachers.check(runtime, away.id)
    assert caught.value.stage == "tcp"


def test_an_unknown_teacher_is_not_found(runtime: Runtime) -> None:
    record = teachers.add(runtime, details())
    teachers.delete(runtime, record.id)
    for act in (teachers.get, teachers.delete, teachers.check):
        with pytest.raises(NotFound):
            act(runtime, record.id)
