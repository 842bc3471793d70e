"""The API describes itself completely, offline, and as docs/api.md says."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from app.main import create_app

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
METHODS = ("get", "post", "put", "patch", "delete")
ELSEWHERE = re.compile(r"""(?:src|href)\s*=\s*["'](?:https?:)?//|url\(\s*["']?https?://|@import""")


@pytest.fixture(scope="module")
def description() -> Mapping[str, Any]:
    """What the application says of itself; neither a runtime nor an environment is needed."""
    return create_app().openapi()


def operations(description: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every operation, as "GET /path" and its description."""
    for path, item in description["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def test_it_is_valid(description: Mapping[str, Any]) -> None:
    validate(description)


def test_every_operation_says_what_it_answers(description: Mapping[str, Any]) -> None:
    for name, operation in operations(description):
        assert operation["description"], name
        success = [status for status in operation["responses"] if status.startswith("2")]
        assert success, name
        for status in success:
            content = operation["responses"][status].get("content", {})
            assert status == "204" or all(kind.get("schema") for kind in content.values()), name
            assert status == "204" or content, name


def test_every_refusal_is_a_problem_report(description: Mapping[str, Any]) -> None:
    for name, operation in operations(description):
        if " /v1/" not in name:
            continue
        assert "default" in operation["responses"], name
        refusals = [each for each in operation["responses"] if each == "default" or each >= "400"]
        for status in refusals:
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"], (name, status)
    schemas = description["components"]["schemas"]
    assert "Problem" in schemas
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)


def test_no_answer_has_a_member_for_a_key(description: Mapping[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    once = {"MadeKeyOut"}  # the one answer in which a key of our own stands
    shown = [each for name, each in schemas.items() if name.endswith("Out") and name not in once]
    members = {member for schema in shown for member in schema.get("properties", {})}
    assert not {"api_key", "sealed_key", "key"} & members
    assert schemas["TeacherIn"]["properties"]["api_key"]["anyOf"][0]["writeOnly"] is True


def test_operation_ids_are_unique(description: Mapping[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(description)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_docs_load_nothing_from_elsewhere(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert not ELSEWHERE.search(page.text)
    assert "https://" not in page.text
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert loaded
    for own in loaded:
        assert client.get(own).status_code == 200, own
    # What the scripts themselves might fetch, the page's policy keeps them from.
    policy = page.headers["content-security-policy"]
    sources = re.findall(r"'[^']+'|\S+:", policy)
    assert set(sources) <= {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}


def test_the_document_lists_every_operation(description: Mapping[str, Any]) -> None:
    written = re.findall(
        r"^\| `(GET|POST|PATCH|DELETE) ([^`]+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE
    )
    assert sorted(f"{method} {path}" for method, path in written) == sorted(
        name for name, _ in operations(description)
    )
