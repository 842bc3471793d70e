"""OpenAI's request and reply shapes, read and written by hand to stay cheap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

CHARACTERS_PER_TOKEN = 4
MOST_STOPS = 4
MOST_CHOICES = 128


class RequestError(Exception):
    """A request that is answered with an error body: (status, message, type, param, code)."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.kind = message, status, kind
        self.param, self.code = param, code

    def body(self) -> bytes:
        """`{"error": {"message", "type", "param", "code"}}`."""
        return orjson.dumps({"error": self.fields()})

    def fields(self) -> dict[str, str | None]:
        """What stands inside `error`."""
        return {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt: all its text, its last user message, and whether it came as a chat."""

    text: str
    last: str
    is_chat: bool


@dataclass(frozen=True, slots=True)
class CompletionCall:
    """One call of either completions endpoint, checked."""

    is_chat: bool
    model: str
    prompts: tuple[Prompt, ...]
    choices: int
    max_tokens: int | None
    stops: tuple[str, ...]
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One text of a reply and why it ended: `stop`, `length` or `content_filter`."""

    text: str | None
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


def count_tokens(text: str) -> int:
    """ceil(characters / 4): simple, deterministic, and the same in every language."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def read_json(body: bytes) -> dict[str, Any]:
    """The JSON object in a request body."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"We could not parse the JSON body of your request: {error}") from None
    if not isinstance(payload, dict):
        raise RequestError("The body of a request must be a JSON object.")
    return payload


def read_call(payload: dict[str, Any], *, is_chat: bool) -> CompletionCall:
    """A checked call from a request's JSON object; RequestError says what is wrong with it."""
    if payload.get("stream"):
        raise RequestError(
            "This teacher does not stream.", param="stream", code="unsupported_value"
        )
    return CompletionCall(
        is_chat=is_chat,
        model=read_model(payload),
        prompts=(_chat_prompt(payload),) if is_chat else _completion_prompts(payload),
        choices=_number(payload, "n", most=MOST_CHOICES) or 1,
        max_tokens=_number(payload, "max_completion_tokens") or _number(payload, "max_tokens"),
        stops=_stops(payload.get("stop")),
        seed=_seed(payload.get("seed")),
    )


def read_model(payload: dict[str, Any]) -> str:
    """The model's name, which every call must give."""
    model = payload.get("model")
    if not isinstance(model, str) or not model:
        raise RequestError("you must provide a model parameter", param="model")
    return model


def read_row(payload: dict[str, Any]) -> tuple[str, str, str]:
    """Instruction, input and output of a row that is to be scored."""
    instruction, given, output = (payload.get(name) for name in ("instruction", "input", "output"))
    for name, value in (("instruction", instruction), ("input", given), ("output", output)):
        if not isinstance(value, str):
            raise RequestError(f"'{name}' must be a string.", param=name)
    return str(instruction), str(given), str(output)


def _number(payload: dict[str, Any], name: str, most: int | None = None) -> int | None:
    value = payload.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise RequestError(f"Invalid type for '{name}': expected an integer.", param=name)
    if value < 1 or (most is not None and value > most):
        limits = f"between 1 and {most}" if most else "at least 1"
        raise RequestError(f"Invalid value for '{name}': it must be {limits}.", param=name)
    return value


def _seed(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise RequestError("Invalid type for 'seed': expected an integer.", param="seed")


def _stops(value: Any) -> tuple[str, ...]:
    stops = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise RequestError("Invalid type for 'stop': expected a string or an array.", param="stop")
    if len(stops) > MOST_STOPS:
        raise RequestError(
            f"Invalid 'stop': array too long, at most {MOST_STOPS} are allowed.", param="stop"
        )
    return tuple(stop for stop in stops if stop)


def _completion_prompts(payload: dict[str, Any]) -> tuple[Prompt, ...]:
    value = payload.get("prompt")
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise RequestError("'prompt' must be a string or an array of strings.", param="prompt")
    return tuple(Prompt(text, text, is_chat=False) for text in texts)


def _chat_prompt(payload: dict[str, Any]) -> Prompt:
    messages = payload.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("'messages' must be an array of at least one message.", param="messages")
    contents: list[str] = []
    last = ""
    for position, message in enumerate(messages):
        content = _message_text(message, position)
        contents.append(content)
        if message["role"] == "user":
            last = content
    return Prompt("\n\n".join(contents), last or contents[-1], is_chat=True)


def _message_text(message: Any, position: int) -> str:
    where = f"messages[{position}]"
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise RequestError(f"'{where}' must be an object with a role.", param=where)
    content = message.get("content")
    if isinstance(content, str):
        return content
    if content is None and message["role"] == "assistant":
        return ""
    if not isinstance(content, list):
        raise RequestError(f"Invalid '{where}.content': expected text.", param=f"{where}.content")
    return "".join(_part_text(part, where) for part in content)


def _part_text(part: Any, where: str) -> str:
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return part["text"]
    raise RequestError(f"'{where}.content' may hold text parts only.", param=f"{where}.content")


def cut(text: str, stops: Sequence[str], max_tokens: int | None) -> Choice:
    """The text up to the earliest stop string, and no longer than `max_tokens`.

    A text that is cut by its length says `length`, every other says `stop`.
    """
    found = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    if found:
        text = text[: min(found)]
    if max_tokens is not None and len(text) > max_tokens * CHARACTERS_PER_TOKEN:
        return Choice(text[: max_tokens * CHARACTERS_PER_TOKEN], "length")
    return Choice(text, "stop")


def usage_of(call: CompletionCall, choices: Sequence[Choice]) -> Usage:
    """What a call's prompts and texts come to."""
    asked = sum(count_tokens(prompt.text) for prompt in call.prompts)
    answered = sum(count_tokens(choice.text or "") for choice in choices)
    return Usage(asked, answered, asked + answered)


def reply_fields(
    call: CompletionCall,
    identity: str,
    created: int,
    choices: Sequence[Choice],
    usage: Usage | None,
) -> dict[str, Any]:
    """The reply object of either endpoint: `id, object, created, model, choices[, usage]`."""
    shape = _chat_choice if call.is_chat else _completion_choice
    fields: dict[str, Any] = {
        "id": ("chatcmpl-" if call.is_chat else "cmpl-") + identity,
        "object": "chat.completion" if call.is_chat else "text_completion",
        "created": created,
        "model": call.model,
        "choices": [shape(index, choice) for index, choice in enumerate(choices)],
    }
    if usage is not None:
        fields["usage"] = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        }
    return fields


def _chat_choice(index: int, choice: Choice) -> dict[str, Any]:
    return {
        "index": index,
        "message": {"role": "assistant", "content": choice.text, "refusal": None},
        "logprobs": None,
        "finish_reason": choice.finish_reason,
    }


def _completion_choice(index: int, choice: Choice) -> dict[str, Any]:
    return {
        "text": choice.text,
        "index": index,
        "logprobs": None,
        "finish_reason": choice.finish_reason,
    }
