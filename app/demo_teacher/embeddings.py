"""Deterministic vectors for `/v1/embeddings`: hashed words, so that kindred texts are near."""

import base64
import math
import re
import struct
from typing import Any
from zlib import crc32

from app.demo_teacher.protocol import RequestError, count_tokens, read_model

DIMENSIONS = 256
MOST_DIMENSIONS = 4096

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+")


def embed(text: str, dimensions: int) -> list[float]:
    """A vector of length 1: each word (or Han character) adds to two hashed places."""
    vector = [0.0] * dimensions
    for token in _TOKEN.findall(text.lower()) or [""]:
        code = token.encode("utf-8", "surrogatepass")
        for salt in (1, 2):
            hashed = crc32(code, salt)
            vector[hashed % dimensions] += 1.0 if hashed & 0x10000 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    if length == 0.0:
        vector[0], length = 1.0, 1.0
    return [value / length for value in vector]


def embed_reply(payload: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """(`{"object": "list", "data", "model", "usage"}`, tokens) for a request's JSON object."""
    texts = _texts(payload.get("input"))
    dimensions = payload.get("dimensions") or DIMENSIONS
    if not isinstance(dimensions, int) or not 1 <= dimensions <= MOST_DIMENSIONS:
        raise RequestError("Invalid value for 'dimensions'.", param="dimensions")
    encode = _encoder(payload.get("encoding_format"))
    tokens = sum(count_tokens(text) for text in texts)
    data = [
        {"object": "embedding", "index": index, "embedding": encode(embed(text, dimensions))}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    model = read_model(payload)
    return {"object": "list", "data": data, "model": model, "usage": usage}, tokens


def _texts(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise RequestError("'input' must be a string or an array of strings.", param="input")
    return texts


def _encoder(name: Any) -> Any:
    if name in (None, "float"):
        return list
    if name == "base64":
        return _base64
    raise RequestError("'encoding_format' is 'float' or 'base64'.", param="encoding_format")


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
