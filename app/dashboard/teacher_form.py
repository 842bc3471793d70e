"""The form of a teacher: read into what the use case takes, and filled from what is stored."""

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import SecretStr

from app.dashboard.forms import Form, Reading
from app.domain.stored import TeacherRecord
from app.errors import Problem
from app.use_cases.teachers import TeacherDetails

ENDPOINTS = ("chat", "completions", "embeddings", "score")
PRICES = (
    ("input_micro_usd_per_million", "Input price", "US dollars per million tokens, 0 if free"),
    ("output_micro_usd_per_million", "Output price", "US dollars per million tokens, 0 if free"),
    ("batch_input_micro_usd_per_million", "Batch input price", "for jobs delivered in batches"),
    ("batch_output_micro_usd_per_million", "Batch output price", "for jobs delivered in batches"),
)
_NEW = TeacherDetails("", "", "")
_PLAIN = ("context_length", "max_concurrency", "requests_per_minute", "tokens_per_minute")


def read_teacher(form: Form) -> tuple[dict[str, Any], Sequence[Problem]]:
    """The fields by name, and what cannot be read; a key that is not typed is left out."""
    reading = Reading(form)
    fields: dict[str, Any] = {
        "name": form.text("name"),
        "base_url": form.text("base_url"),
        "model": form.text("model"),
        "endpoint": form.text("endpoint") or ENDPOINTS[0],
        **{name: reading.micro_usd(name) for name, _, _ in PRICES},
        **{name: reading.integer(name) for name in _PLAIN},
        "max_concurrency": reading.integer(
            "max_concurrency", TeacherDetails("", "", "").max_concurrency
        ),
        "timeout_s": reading.number("timeout_s", _NEW.timeout_s),
        "extra_body": reading.json_object("extra_body"),
        "terms": form.text("terms"),
        "simulated": reading.flag("simulated"),
    }
    if form.text("api_key"):
        fields["api_key"] = SecretStr(form.text("api_key"))
    elif reading.flag("forget_key"):
        fields["api_key"] = None
    return fields, reading.problems


def form_of_teacher(teacher: TeacherRecord) -> Form:
    """The form as it would describe the teacher; its key is not among it."""
    fields = {
        name: [_text(getattr(teacher, name))]
        for name in ("name", "base_url", "model", "endpoint", "terms", "timeout_s", *_PLAIN)
    }
    fields |= {name: [_dollars(getattr(teacher, name))] for name, _, _ in PRICES}
    if teacher.extra_body:
        fields["extra_body"] = [
            orjson.dumps(teacher.extra_body, option=orjson.OPT_INDENT_2).decode()
        ]
    if teacher.simulated:
        fields["simulated"] = ["yes"]
    return Form(fields)


def _text(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _dollars(micro_usd: int | None) -> str:
    return "" if micro_usd is None else f"{micro_usd / 1_000_000:.6f}".rstrip("0").rstrip(".")
