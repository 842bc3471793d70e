"""What a call may cost at most and what it did cost, in whole micro-USD."""

from collections.abc import Mapping

import orjson

from app.domain.method import Prompt
from app.errors import InvalidInput
from app.llm.bodies import prompt_texts, request_fields
from app.llm.teacher import Teacher, Texts

SPARE_TOKENS = 50
MESSAGE_TOKENS = 16
_MILLION = 1_000_000


def estimate_micro_usd(teacher: Teacher, prompt: Prompt) -> int:
    """Bound a call's cost from above; raises InvalidInput `price_required` without prices."""
    input_tokens = most_input_tokens(teacher, prompt)
    return cost_micro_usd(teacher, input_tokens, most_output_tokens(teacher, prompt))


def most_input_tokens(teacher: Teacher, prompt: Prompt) -> int:
    """Bound a prompt's tokens from above: no byte-level tokenizer makes more than its UTF-8 bytes.

    Schemas and tools in `extra_body` are read by the model too, so their bytes count as well.
    """
    texts = prompt_texts(prompt)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    extra = len(orjson.dumps(dict(teacher.extra_body))) if teacher.extra_body else 0
    return size + extra + MESSAGE_TOKENS * len(texts) + SPARE_TOKENS


def most_output_tokens(teacher: Teacher, prompt: Prompt) -> int:
    """Bound a reply's tokens from above, by what the body will ask for; all choices are paid.

    When `extra_body` takes the limit away, only the model's context bounds a reply.
    """
    fields = request_fields(teacher, prompt)
    limits = _wholes(fields, "max_tokens", "max_completion_tokens")
    unlimited = max(prompt.decoding.max_tokens, teacher.context_length or 0)
    return max(limits, default=unlimited) * max(_wholes(fields, "n", "best_of"), default=1)


def likely_tokens(prompt: Prompt | Texts) -> int:
    """About what a provider counts against a budget per minute: four characters a token."""
    if isinstance(prompt, Texts):
        return sum(len(text) for text in prompt.texts) // 4
    asked = sum(len(text) // 4 for text in prompt_texts(prompt))
    return asked + prompt.decoding.max_tokens


def cost_micro_usd(teacher: Teacher, prompt_tokens: int, completion_tokens: int) -> int:
    """The price of these tokens, rounded up; raises InvalidInput `price_required` without one."""
    input_price = teacher.input_micro_usd_per_million
    output_price = teacher.output_micro_usd_per_million
    if input_price is None or output_price is None:
        raise InvalidInput(
            f"The prices of teacher {teacher.id} are not known. Give both, or 0 for a free one.",
            code="price_required",
        )
    total = prompt_tokens * input_price + completion_tokens * output_price
    return -(-total // _MILLION)


def _wholes(fields: Mapping[str, object], *names: str) -> list[int]:
    values = [fields.get(name) for name in names]
    return [
        value
        for value in values
        if isinstance(value, int) and not isinstance(value, bool) and value > 0
    ]
