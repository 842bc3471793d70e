"""Embeddings: deterministic, of length one, near for kindred texts, in both encodings."""

import openai
import pytest

from app.demo_teacher.embeddings import embed
from tests.demo_teacher.talking import ask
from tests.demo_teacher_process import RunningTeacher


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_shape_and_purity(teacher: RunningTeacher) -> None:
    first = ask(teacher, "embeddings", input=["red apples", "写一首诗"]).json()
    assert first["object"] == "list"
    assert [item["index"] for item in first["data"]] == [0, 1]
    assert len(first["data"][0]["embedding"]) == 256
    assert first["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    again = ask(teacher, "embeddings", input="red apples").json()
    assert again["data"][0]["embedding"] == first["data"][0]["embedding"]


def test_the_official_client_decodes_base64(teacher: RunningTeacher) -> None:
    with openai.OpenAI(base_url=teacher.base_url, api_key="none", max_retries=0) as client:
        reply = client.embeddings.create(model="demo", input="red apples", dimensions=64)
    assert reply.data[0].embedding == pytest.approx(embed("red apples", 64), abs=1e-6)


def test_kindred_texts_are_near() -> None:
    apples, pears = embed("ripe red apples on a tree", 256), embed("ripe red pears on a tree", 256)
    ships = embed("an engine drives the ship", 256)
    assert dot(apples, apples) == pytest.approx(1.0)
    assert dot(apples, pears) > 0.6 > 0.4 > dot(apples, ships)
    assert dot(embed("", 8), embed("", 8)) == pytest.approx(1.0)
