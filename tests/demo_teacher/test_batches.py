"""Files and batches, as the official client uses them."""

import io
import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types import Batch

from tests.demo_teacher.talking import LIST_PROMPT, chat, text_of
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher

CHAT = "/v1/chat/completions"


def line(custom_id: str, content: str, **changes: Any) -> dict[str, Any]:
    body = {"model": "demo", "messages": [{"role": "user", "content": content}]}
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body} | changes


def upload(client: openai.OpenAI, lines: list[dict[str, Any]]) -> str:
    content = "\n".join(json.dumps(one) for one in lines).encode()
    stored = client.files.create(file=("in.jsonl", io.BytesIO(content)), purpose="batch")
    assert stored.bytes == len(content)
    assert client.files.content(stored.id).content == content
    return stored.id


def create(client: openai.OpenAI, lines: list[dict[str, Any]]) -> Batch:
    return client.batches.create(
        input_file_id=upload(client, lines),
        endpoint=CHAT,
        completion_window="24h",
        metadata={"job": "7"},
    )


def finished(client: openai.OpenAI, batch: Batch) -> Batch:
    deadline = time.monotonic() + 20
    while batch.status not in ("completed", "failed", "expired", "cancelled"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
        batch = client.batches.retrieve(batch.id)
    return batch


def read(client: openai.OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    assert file_id is not None
    return [json.loads(text) for text in client.files.content(file_id).text.splitlines()]


@pytest.fixture(scope="module")
def batching() -> Iterator[tuple[RunningTeacher, openai.OpenAI]]:
    with (
        start_demo_teacher(latency_s=0, batch_delay_s=0.4, faults={"refuse": 0.1}) as teacher,
        openai.OpenAI(base_url=teacher.base_url, api_key="none", max_retries=0) as client,
    ):
        yield teacher, client


def test_a_batch_from_upload_to_output(batching: tuple[RunningTeacher, openai.OpenAI]) -> None:
    teacher, client = batching
    lines = [line(f"row-{n}", f"({n}) {LIST_PROMPT}") for n in range(80)]
    batch = create(client, lines)
    assert batch.status == "validating"
    assert batch.metadata == {"job": "7"}
    batch = finished(client, batch)
    assert batch.status == "completed"
    counts = batch.request_counts
    assert counts is not None
    assert counts.total == 80
    assert counts.completed + counts.failed == 80
    assert 1 <= counts.failed <= 20
    answered, refused = read(client, batch.output_file_id), read(client, batch.error_file_id)
    assert {one["custom_id"] for one in answered + refused} == {f"row-{n}" for n in range(80)}
    assert {one["response"]["status_code"] for one in refused} == {400}
    first = answered[0]
    content = first["response"]["body"]["choices"][0]["message"]["content"]
    asked = lines[int(first["custom_id"].split("-")[1])]["body"]["messages"][0]["content"]
    assert text_of(chat(teacher, asked)) == content
    assert teacher.stats()["calls"] >= 81


def test_a_bad_file_fails_the_batch_and_names_its_lines(
    batching: tuple[RunningTeacher, openai.OpenAI],
) -> None:
    _, client = batching
    lines = [
        line("a", "x"),
        line("a", "y"),
        line("b", "x", method="GET"),
        line("c", "x", url="/v1/other"),
        {"custom_id": "d"},
    ]
    batch = finished(client, create(client, lines))
    assert batch.status == "failed"
    assert batch.errors is not None
    assert batch.errors.data is not None
    assert [(error.line, error.code) for error in batch.errors.data] == [
        (2, "duplicate_custom_id"),
        (3, "invalid_method"),
        (4, "mismatched_url"),
        (5, "missing_required_parameter"),
    ]


def test_cancel_list_and_delete(batching: tuple[RunningTeacher, openai.OpenAI]) -> None:
    _, client = batching
    batch = client.batches.cancel(create(client, [line("a", "x")]).id)
    assert batch.status == "cancelling"
    batch = finished(client, batch)
    assert (batch.status, batch.output_file_id) == ("cancelled", None)
    with pytest.raises(openai.ConflictError, match="cancelled"):
        client.batches.cancel(batch.id)
    assert batch.id in [one.id for one in client.batches.list()]
    assert batch.input_file_id in [one.id for one in client.files.list()]
    assert client.files.delete(batch.input_file_id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(batch.input_file_id)


def test_wrong_batches_are_refused(batching: tuple[RunningTeacher, openai.OpenAI]) -> None:
    _, client = batching
    with pytest.raises(openai.NotFoundError):
        client.batches.create(input_file_id="file-none", endpoint=CHAT, completion_window="24h")
    with pytest.raises(openai.BadRequestError, match="endpoint"):
        client.batches.create(
            input_file_id="x", endpoint="/v1/moderations", completion_window="24h"
        )
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_none")
    with pytest.raises(openai.BadRequestError, match="metadata"):
        client.batches.create(
            input_file_id=upload(client, [line("a", "x")]),
            endpoint=CHAT,
            completion_window="24h",
            metadata={"job": "x" * 600},
        )
    stored = client.files.create(file=("in.jsonl", b"{}"), purpose="user_data")
    with pytest.raises(openai.BadRequestError, match="purpose"):
        client.batches.create(input_file_id=stored.id, endpoint=CHAT, completion_window="24h")


def test_lists_are_paged(batching: tuple[RunningTeacher, openai.OpenAI]) -> None:
    _, client = batching
    made = [create(client, [line("a", f"x{n}")]).id for n in range(5)]
    page = client.batches.list(limit=2)
    assert [each.id for each in page.data] == made[:2:-1]
    assert page.has_more
    everything = [each.id for each in client.batches.list(limit=2)]
    assert everything[:5] == made[::-1]
    assert len(everything) == len(set(everything))
    assert not client.batches.list(after=everything[-1]).data


@pytest.fixture
def slow() -> Iterator[openai.OpenAI]:
    settings = {"batch_delay_s": 0, "batch_line_s": 0.01, "batch_expires_after": 30}
    with (
        start_demo_teacher(latency_s=0, batch_refusal=["token_limit_exceeded"], **settings) as one,
        openai.OpenAI(base_url=one.base_url, api_key="none", max_retries=0) as client,
    ):
        yield client


def test_a_batch_is_refused_as_a_whole_then_expires_with_part_of_its_results(
    slow: openai.OpenAI,
) -> None:
    lines = [line(f"row-{n}", f"({n}) {LIST_PROMPT}") for n in range(40)]
    batch = finished(slow, create(slow, lines))
    assert (batch.status, batch.output_file_id) == ("failed", None)
    assert batch.errors is not None
    assert batch.errors.data is not None
    assert [(each.code, each.line) for each in batch.errors.data] == [
        ("token_limit_exceeded", None)
    ]
    batch = finished(slow, create(slow, lines))
    assert batch.status == "expired"
    assert batch.expired_at
    assert batch.request_counts is not None
    assert (batch.request_counts.total, batch.request_counts.completed) == (40, 30)
    names = [each["custom_id"] for each in read(slow, batch.output_file_id)]
    assert set(names) == {f"row-{n}" for n in range(30)}
    assert names != sorted(names, key=lambda name: int(name[4:]))
    late = read(slow, batch.error_file_id)
    assert {each["error"]["code"] for each in late} == {"batch_expired"}
    assert all(each["response"] is None for each in late)
    assert [each["custom_id"] for each in late] == [f"row-{n}" for n in range(30, 40)]


def test_a_cancelled_batch_keeps_what_was_done(slow: openai.OpenAI) -> None:
    finished(slow, create(slow, [line("a", "x")]))  # takes the refusal
    batch = create(slow, [line(f"row-{n}", f"({n}) {LIST_PROMPT}") for n in range(25)])
    deadline = time.monotonic() + 20
    while not (batch.request_counts and batch.request_counts.completed):
        assert time.monotonic() < deadline
        batch = slow.batches.retrieve(batch.id)
    batch = finished(slow, slow.batches.cancel(batch.id))
    assert batch.status == "cancelled"
    assert batch.cancelling_at
    assert batch.request_counts is not None
    done = batch.request_counts.completed
    assert 0 < done < 25
    assert len(read(slow, batch.output_file_id)) == done


def test_a_creation_may_work_although_its_answer_is_lost() -> None:
    with (
        start_demo_teacher(latency_s=0, batch_lost_creations=1) as teacher,
        openai.OpenAI(base_url=teacher.base_url, api_key="none", max_retries=0) as client,
    ):
        with pytest.raises(openai.InternalServerError, match="504"):
            create(client, [line("a", "x")])
        assert [each.metadata for each in client.batches.list()] == [{"job": "7"}]
        create(client, [line("a", "x")])
        assert len(client.batches.list().data) == 2
