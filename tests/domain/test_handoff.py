"""The contract between service and trainer: what is read, what is refused."""

import json
from typing import Any

import pytest

from app.domain.handoff import HandoffRow, Layout, Manifest, Split, Turn, read_manifest, read_row
from app.errors import InvalidInput

MANIFEST = Manifest(rows=2, sha256="0" * 64, layout=Layout.TEXT, licence="CC0-1.0", simulated=True)


def members(**changed: object) -> dict[str, Any]:
    return {**json.loads(json.dumps(MANIFEST.as_json())), **changed}


def problems(given: object) -> dict[str, str]:
    with pytest.raises(InvalidInput) as raised:
        read_manifest(given)
    return {each.pointer: each.code for each in raised.value.problems}


def test_a_manifest_goes_there_and_back() -> None:
    assert read_manifest(members()) == MANIFEST
    assert members()["schema"] == 1
    assert members()["eos"] == "append"


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_is_refused_before_anything_else(schema: object) -> None:
    assert problems(members(schema=schema, rows="?")) == {"/schema": "unknown_schema"}


def test_what_is_missing_unknown_or_of_another_type_is_named() -> None:
    given = members(license="CC0-1.0", rows=True, layout="pictures", eos="none")
    del given["licence"]
    assert problems(given) == {
        "/license": "unknown_field",
        "/licence": "missing_field",
        "/rows": "wrong_type",
        "/layout": "wrong_type",
        "/eos": "wrong_type",
    }
    assert problems([]) == {"": "not_an_object"}


def test_rows_of_both_layouts() -> None:
    text = {"prompt": "a", "completion": "b", "id": "1", "split": "train"}
    assert read_row(text, Layout.TEXT) == HandoffRow("a", "b", "1", Split.TRAIN)
    turn = {"role": "user", "content": "a"}
    said = {"prompt": [turn], "completion": [turn], "id": "1", "split": "held_out"}
    row = read_row(said, Layout.MESSAGES)
    assert (row.prompt, row.split) == ((Turn("user", "a"),), Split.HELD_OUT)


@pytest.mark.parametrize(
    ("changed", "layout", "pointer"),
    [
        ({"id": 1}, Layout.TEXT, "/id"),
        ({"split": "test"}, Layout.TEXT, "/split"),
        ({"completion": None}, Layout.TEXT, "/completion"),
        ({}, Layout.MESSAGES, "/prompt"),
        ({"prompt": [{"role": "poet", "content": "a"}]}, Layout.MESSAGES, "/prompt"),
        ({"prompt": ["a"]}, Layout.MESSAGES, "/prompt"),
    ],
)
def test_bad_rows(changed: dict[str, Any], layout: Layout, pointer: str) -> None:
    row = {"prompt": "a", "completion": "b", "id": "1", "split": "train", **changed}
    with pytest.raises(InvalidInput) as raised:
        read_row(row, layout)
    assert raised.value.problems[0].pointer == pointer
