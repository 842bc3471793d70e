"""The official client drives the demo teacher, and its own types find every answer whole."""

import asyncio
import io
import json
import time
from collections.abc import Iterator
from typing import Any, TypeVar

import openai
import pytest
from openai.types import (
    Batch,
    Completion,
    CreateEmbeddingResponse,
    FileDeleted,
    FileObject,
    Model,
)
from openai.types.chat import ChatCompletion, ChatCompletionUserMessageParam
from pydantic import BaseModel

from tests.demo_teacher.talking import LIST_PROMPT
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher

CHAT = "/v1/chat/completions"
PATIENCE_S = 20.0
Shape = TypeVar("Shape", bound=BaseModel)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(teacher: RunningTeacher) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=teacher.base_url, api_key="none", max_retries=0) as client:
        yield client


def said(text: str) -> list[ChatCompletionUserMessageParam]:
    return [{"role": "user", "content": text}]


def whole(shape: type[Shape], raw: Any) -> Shape:
    """The answer, validated (the client itself only fills its types in) and without a stray field.

    `raw` is what `with_raw_response` gives.
    """
    validated = shape.model_validate_json(raw.http_response.content)
    assert raw.parse() == validated
    assert _strays(validated) == []
    return validated


def _strays(value: object) -> list[str]:
    if isinstance(value, BaseModel):
        inner = [stray for name in type(value).model_fields for stray in _strays(_of(value, name))]
        return [*(value.model_extra or {}), *inner]
    return [stray for each in value for stray in _strays(each)] if isinstance(value, list) else []


def _of(value: BaseModel, name: str) -> object:
    return getattr(value, name)


def test_chat_and_completions_are_what_their_types_say(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="demo", messages=said(LIST_PROMPT), n=2, temperature=0.7, stop=["\n11."]
    )
    talk = whole(ChatCompletion, raw)
    assert raw.headers["content-type"] == "application/json"
    assert raw.request_id == raw.headers["x-request-id"]
    assert [choice.message.role for choice in talk.choices] == ["assistant"] * 2
    assert all(choice.message.content for choice in talk.choices)
    raw = client.completions.with_raw_response.create(
        model="demo", prompt=["One?", "Two?"], n=2, max_tokens=5
    )
    text = whole(Completion, raw)
    assert [choice.index for choice in text.choices] == [0, 1, 2, 3]
    assert text.usage is not None
    assert text.usage.completion_tokens <= 4 * 5


def test_a_typed_answer_names_its_request(client: openai.OpenAI) -> None:
    talk = client.chat.completions.create(model="demo", messages=said("Hi"))
    assert talk._request_id is not None
    assert talk._request_id.startswith("req_")


def test_models_are_what_their_types_say(client: openai.OpenAI) -> None:
    (listed,) = client.models.list().data
    model = whole(Model, client.models.with_raw_response.retrieve(listed.id))
    assert model.id == listed.id


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings_come_out_equal_in_both_encodings(client: openai.OpenAI, encoding: Any) -> None:
    raw = client.embeddings.with_raw_response.create(
        model="demo", input=["red apples"], dimensions=16, encoding_format="float"
    )
    plain = whole(CreateEmbeddingResponse, raw)
    decoded = client.embeddings.create(
        model="demo", input=["red apples"], dimensions=16, encoding_format=encoding
    )
    if encoding == "base64":  # asked for by name, it is handed over as it came
        assert isinstance(decoded.data[0].embedding, str)
        decoded = client.embeddings.create(model="demo", input=["red apples"], dimensions=16)
    assert decoded.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)


def test_streams_are_refused_by_name(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="demo", messages=said("Hi"), stream=True)
    assert (refused.value.param, refused.value.code) == ("stream", "unsupported_value")


def test_a_batch_and_its_files_are_what_their_types_say(client: openai.OpenAI) -> None:
    request = {"model": "demo", "messages": said(LIST_PROMPT)}
    line = {"custom_id": "a", "method": "POST", "url": CHAT, "body": request}
    content = io.BytesIO(json.dumps(line).encode())
    raw = client.files.with_raw_response.create(file=("in.jsonl", content), purpose="batch")
    stored = whole(FileObject, raw)
    made = whole(
        Batch,
        client.batches.with_raw_response.create(
            input_file_id=stored.id, endpoint=CHAT, completion_window="24h"
        ),
    )
    ended = _ended(client, made.id)
    assert ended.status == "completed"
    assert ended.request_counts is not None
    assert (ended.request_counts.total, ended.request_counts.failed) == (1, 0)
    assert ended.output_file_id is not None
    (answer,) = client.files.content(ended.output_file_id).text.splitlines()
    ChatCompletion.model_validate(json.loads(answer)["response"]["body"])
    assert whole(FileDeleted, client.files.with_raw_response.delete(stored.id)).deleted


def _ended(client: openai.OpenAI, batch_id: str) -> Batch:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        batch = whole(Batch, client.batches.with_raw_response.retrieve(batch_id))
        if batch.status in {"completed", "failed", "expired", "cancelled"}:
            return batch
        assert time.monotonic() < deadline_s, batch
        time.sleep(0.05)


@pytest.mark.parametrize("transport", ["httpx", "aiohttp"])
def test_many_calls_at_once_through_the_async_client(
    teacher: RunningTeacher, transport: str
) -> None:
    async def talk() -> list[ChatCompletion]:
        http_client = openai.DefaultAioHttpClient() if transport == "aiohttp" else None
        async with openai.AsyncOpenAI(
            base_url=teacher.base_url, api_key="none", max_retries=0, http_client=http_client
        ) as client:
            calls = (
                client.chat.completions.with_raw_response.create(
                    model="demo", messages=said(f"({number}) {LIST_PROMPT}")
                )
                for number in range(50)
            )
            return [whole(ChatCompletion, raw) for raw in await asyncio.gather(*calls)]

    texts = {talk.choices[0].message.content for talk in asyncio.run(talk())}
    assert len(texts) == 50


def test_its_own_retries_outlast_a_limit() -> None:
    with (
        start_demo_teacher(latency_s=0, rate_limit_per_s=20, burst=1) as teacher,
        openai.OpenAI(base_url=teacher.base_url, api_key="none", max_retries=5) as patient,
    ):
        for _ in range(3):
            patient.chat.completions.create(model="demo", messages=said("Hi"))
        seen = teacher.stats()
    assert seen["calls"] - seen["status_429"] == 3
    assert seen["status_429"] >= 1


def test_a_limit_names_its_wait() -> None:
    with (
        start_demo_teacher(latency_s=0, faults={"429": 1.0}) as teacher,
        openai.OpenAI(base_url=teacher.base_url, api_key="none", max_retries=0) as client,
        pytest.raises(openai.RateLimitError) as refused,
    ):
        client.chat.completions.create(model="demo", messages=said("Hi"))
    assert refused.value.response.headers["retry-after"]
    assert refused.value.code == "rate_limit_exceeded"


def test_errors_have_their_own_types() -> None:
    with (
        start_demo_teacher(
            latency_s=0, api_key="right", model=["known"], context_tokens=50
        ) as teacher,
        openai.OpenAI(base_url=teacher.base_url, api_key="right", max_retries=0) as right,
        openai.OpenAI(base_url=teacher.base_url, api_key="wrong", max_retries=0) as wrong,
    ):
        with pytest.raises(openai.AuthenticationError) as unauthorized:
            wrong.completions.create(model="known", prompt="Hi")
        with pytest.raises(openai.NotFoundError) as unknown:
            right.completions.create(model="unknown", prompt="Hi")
        with pytest.raises(openai.BadRequestError) as too_long:
            right.completions.create(model="known", prompt="word " * 100)
    assert unauthorized.value.code == "invalid_api_key"
    assert unknown.value.code == "model_not_found"
    assert too_long.value.code == "context_length_exceeded"
