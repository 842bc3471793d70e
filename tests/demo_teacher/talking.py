"""Short ways to ask a demo teacher something over real HTTP."""

import ssl
from functools import cache
from typing import Any

import httpx

from tests.demo_teacher_process import RunningTeacher

LIST_PROMPT = """Come up with a series of tasks:
1. Name three rivers that cross a border and say which countries they touch on their way.
2. Turn the short weather report below into a cheerful radio announcement for early listeners.
3. Decide whether the customer's message is a question or a complaint.
4. Explain to a nine-year-old why bread rises in a warm kitchen.
5. Suggest a polite way to refuse a second helping of soup at a formal dinner.
6. Count how many words in the paragraph contain a double letter and list them.
7. Compare walking and cycling as ways to reach a small school in the hills.
8. Write the opening sentence of a novel about a shy clock repairer.
9."""


def ask(teacher: RunningTeacher, path: str, **fields: Any) -> httpx.Response:
    """POST a JSON object under `/v1`; `headers` and `timeout_s` are not part of it."""
    headers, timeout_s = fields.pop("headers", None), fields.pop("timeout_s", 20)
    body = {"model": "demo", **fields}
    return httpx.post(
        f"{teacher.base_url}/{path}",
        json=body,
        headers=headers,
        timeout=timeout_s,
        verify=_certificates(),
    )


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: reading them for every call is most of what a call costs here."""
    return ssl.create_default_context()


def complete(teacher: RunningTeacher, prompt: Any, **fields: Any) -> httpx.Response:
    """One call of the completions endpoint."""
    return ask(teacher, "completions", prompt=prompt, **fields)


def chat(teacher: RunningTeacher, content: str, **fields: Any) -> httpx.Response:
    """One call of the chat endpoint with one user message."""
    return ask(
        teacher, "chat/completions", messages=[{"role": "user", "content": content}], **fields
    )


def text_of(reply: httpx.Response) -> str:
    """The text of a reply's first choice, of either endpoint."""
    assert reply.status_code == 200, reply.text
    choice = reply.json()["choices"][0]
    return choice["text"] if "text" in choice else choice["message"]["content"]
