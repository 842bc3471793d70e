"""The request that a prompt becomes: the body's fields, its bytes and the headers."""

import json
from dataclasses import asdict
from urllib.parse import urlsplit

import orjson

from app.domain.method import Prompt, Rated
from app.llm.teacher import Call, Endpoint, Teacher, Texts

_COMPLETION_TOKENS_HOST = "api.openai.com"
_PATHS = {
    Endpoint.CHAT: "chat/completions",
    Endpoint.COMPLETIONS: "completions",
    Endpoint.EMBEDDINGS: "embeddings",
    Endpoint.SCORE: "score",
}


def endpoint_path(endpoint: Endpoint) -> str:
    """Where an endpoint lies under the teacher's base address."""
    return _PATHS[endpoint]


def request_fields(teacher: Teacher, prompt: Prompt | Texts) -> dict[str, object]:
    """The body's fields; settings that are None are not sent, and `extra_body` wins."""
    fields: dict[str, object] = {"model": teacher.model}
    if isinstance(prompt, Texts):
        fields |= {"input": list(prompt.texts), "encoding_format": "float"}
    elif teacher.endpoint is Endpoint.SCORE:
        fields = _rated_fields(prompt)
    else:
        fields |= _text_fields(teacher.endpoint, prompt)
        fields |= _decoding_fields(teacher, prompt)
    fields |= teacher.extra_body
    return {
        name: value
        for name, value in fields.items()
        if value is not None or name not in teacher.extra_body
    }


def request_body(teacher: Teacher, prompt: Prompt | Texts) -> bytes:
    """The body as JSON bytes. Raises TypeError for an `extra_body` that JSON cannot hold."""
    fields = request_fields(teacher, prompt)
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError:
        # Half a surrogate pair in a text: the standard library escapes it.
        return json.dumps(fields).encode("ascii")


def request_headers(call: Call) -> list[tuple[str, str]]:
    """The headers that tell calls apart; the key's header is not among them."""
    return [
        ("X-Cultivar-Step", _header_safe(call.prompt.step)),
        ("Idempotency-Key", _header_safe(f"{call.key}-{call.attempt}")),
    ]


def prompt_texts(prompt: Prompt) -> list[str]:
    """Every text of a prompt, in the order in which the model reads them."""
    system = [] if prompt.system is None else [prompt.system]
    rated = [] if prompt.rated is None else [prompt.rated.output]
    return [*system, *(each.content for each in prompt.history), prompt.text, *rated]


def _rated_fields(prompt: Prompt) -> dict[str, object]:
    """A row in its parts; whatever else is asked is a row without an answer."""
    return asdict(prompt.rated or Rated(prompt.text, "", ""))


def _text_fields(endpoint: Endpoint, prompt: Prompt) -> dict[str, object]:
    match endpoint:
        case Endpoint.CHAT:
            messages = [{"role": each.role, "content": each.content} for each in prompt.history]
            messages.append({"role": "user", "content": prompt.text})
            if prompt.rated is not None:
                messages.append({"role": "assistant", "content": prompt.rated.output})
            if prompt.system is not None:
                messages.insert(0, {"role": "system", "content": prompt.system})
            return {"messages": messages}
        case Endpoint.COMPLETIONS:
            return {"prompt": "\n\n".join(prompt_texts(prompt))}
        case Endpoint.EMBEDDINGS | Endpoint.SCORE:
            raise ValueError(f"An endpoint {endpoint} takes no prompts.")


def _decoding_fields(teacher: Teacher, prompt: Prompt) -> dict[str, object]:
    decoding = prompt.decoding
    optional = {
        "temperature": decoding.temperature,
        "top_p": decoding.top_p,
        "presence_penalty": decoding.presence_penalty,
        "frequency_penalty": decoding.frequency_penalty,
        "stop": list(decoding.stop) or None,
        "seed": decoding.seed,
    }
    given: dict[str, object] = {
        name: value for name, value in optional.items() if value is not None
    }
    return {_limit_name(teacher): decoding.max_tokens} | given


def _limit_name(teacher: Teacher) -> str:
    """OpenAI's newer chat models refuse `max_tokens`; other services know no other name."""
    theirs = urlsplit(teacher.base_url).hostname == _COMPLETION_TOKENS_HOST
    return "max_completion_tokens" if theirs and teacher.endpoint is Endpoint.CHAT else "max_tokens"


def _header_safe(value: str) -> str:
    if value.isascii() and value.isprintable():
        return value
    return "".join(mark if mark.isascii() and mark.isprintable() else "?" for mark in value)
