"""What names a request: everything that changes its reply, and nothing else."""

import hashlib
from dataclasses import dataclass, field, replace

import pytest

from app.domain.method import Decoding, Prompt
from app.domain.reuse import request_digest, service_digest


@dataclass(frozen=True)
class Teacher:
    """The parts of a teacher that count, and one that does not."""

    base_url: str = "https://one.example/v1"
    model: str = "m"
    endpoint: str = "chat"
    extra_body: dict[str, object] = field(default_factory=dict[str, object])
    name: str = "rose"


PROMPT = Prompt("propose", "Say it.", Decoding(10, 0.7, 0.9, 0.1, 0.2, ("x",)), "a@1", "Be brief.")


@pytest.mark.parametrize(
    "other",
    [
        {"base_url": "https://two.example/v1"},
        {"model": "n"},
        {"endpoint": "completions"},
        {"extra_body": {"n": 2}},
    ],
)
def test_another_service_is_another_request(other: dict[str, object]) -> None:
    assert service_digest(replace(Teacher(), **other)) != service_digest(Teacher())


@pytest.mark.parametrize(
    "other",
    [
        replace(PROMPT, text="Say it"),
        replace(PROMPT, system=None),
        replace(PROMPT, system=""),
        *(
            replace(PROMPT, decoding=replace(PROMPT.decoding, **{name: value}))
            for name, value in (
                ("max_tokens", 11),
                ("temperature", 0.0),
                ("temperature", None),
                ("top_p", 1.0),
                ("presence_penalty", 0.0),
                ("frequency_penalty", 0.0),
                ("stop", ()),
            )
        ),
    ],
)
def test_another_prompt_is_another_request(other: Prompt) -> None:
    assert request_digest(Teacher(), other.digest) != request_digest(Teacher(), PROMPT.digest)


def test_names_versions_and_the_order_of_members_do_not_count() -> None:
    same = replace(PROMPT, step="answer", version="b@2")
    ordered = Teacher(extra_body={"a": 1, "b": {"c": 2, "d": 3}})
    turned = Teacher(extra_body={"b": {"d": 3, "c": 2}, "a": 1}, name="lily")
    assert request_digest(ordered, PROMPT.digest) == request_digest(turned, same.digest)
    assert service_digest(Teacher("https://one.example/v1/")) == service_digest(Teacher())


def test_postgres_can_compute_it() -> None:
    joined = PROMPT.digest + service_digest(Teacher())
    assert request_digest(Teacher(), PROMPT.digest) == hashlib.sha256(joined.encode()).digest()
