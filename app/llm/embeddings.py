"""Vectors for texts: what a call for them may cost at most, and what its reply holds."""

import base64
import hashlib
from dataclasses import dataclass
from typing import cast

import numpy as np
import orjson

from app.domain.vectors import Vector, unit
from app.errors import InvalidInput
from app.llm.replies import ABSURD_TOKENS, parse_body
from app.llm.teacher import Teacher, Texts

MOST_TEXTS = 64
SPARE_TOKENS = 50
TEXT_TOKENS = 8
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class ReadEmbeddings:
    """Vectors in the order of the texts, or why there are none; `tokens` None where untold."""

    vectors: tuple[Vector, ...] = ()
    tokens: int | None = None
    error: str | None = None


def embedding_model(teacher: Teacher) -> str:
    """Names what made a vector: the model, and a digest of what else is sent along with texts."""
    if not teacher.extra_body:
        return teacher.model
    extra = orjson.dumps(dict(teacher.extra_body), option=orjson.OPT_SORT_KEYS)
    return f"{teacher.model} {hashlib.sha256(extra).hexdigest()[:16]}"


def text_digest(text: str) -> bytes:
    """Sha256 of a text in UTF-8: the key under which its vector is kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def most_embedding_tokens(texts: Texts) -> int:
    """Bound a call's tokens from above: no byte-level tokenizer makes more than the bytes."""
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts.texts)
    return size + TEXT_TOKENS * len(texts.texts) + SPARE_TOKENS


def embedding_cost_micro_usd(teacher: Teacher, tokens: int) -> int:
    """The price of so many tokens, rounded up; raises InvalidInput `price_required` without."""
    price = teacher.input_micro_usd_per_million
    if price is None:
        raise InvalidInput(
            f"The input price of embedder {teacher.id} is not known. Give it, or 0 for a free one.",
            code="price_required",
        )
    return -(-tokens * price // _MILLION)


def read_embeddings(raw: bytes, count: int) -> ReadEmbeddings:
    """Read a body that should hold `count` vectors. Never raises, whatever the bytes are."""
    body = parse_body(raw)
    if body is None:
        return ReadEmbeddings(error="The reply is not a JSON object.")
    tokens = _tokens(body.get("usage"))
    data = body.get("data")
    items = cast("list[object]", data) if isinstance(data, list) else []
    if len(items) != count:
        return ReadEmbeddings((), tokens, f"{len(items)} vectors for {count} texts.")
    vectors = [_vector(item) for item in _in_order(items)]
    found = [vector for vector in vectors if vector is not None]
    if len(found) != count:
        return ReadEmbeddings((), tokens, "Not every vector is a list of finite numbers.")
    if len({vector.size for vector in found}) > 1:
        return ReadEmbeddings((), tokens, "The vectors differ in size.")
    return ReadEmbeddings(tuple(found), tokens)


def _in_order(items: list[object]) -> list[object]:
    """By their index where each has one of its own, else as they stand."""
    places = [
        cast("dict[str, object]", item).get("index") if isinstance(item, dict) else None
        for item in items
    ]
    ordered = [place for place in places if isinstance(place, int)]
    if sorted(ordered) != list(range(len(items))):
        return items
    by_place = dict(zip(ordered, items, strict=True))
    return [by_place[place] for place in range(len(items))]


def _vector(item: object) -> Vector | None:
    value = cast("dict[str, object]", item).get("embedding") if isinstance(item, dict) else None
    try:
        if isinstance(value, str):
            numbers = np.frombuffer(base64.b64decode(value, validate=True), "<f4")
        else:
            numbers = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        return None
    return unit(numbers)


def _tokens(usage: object) -> int | None:
    if not isinstance(usage, dict):
        return None
    fields = cast("dict[str, object]", usage)
    for name in ("prompt_tokens", "total_tokens"):
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= ABSURD_TOKENS:
            return value
    return None
