"""Packaging: what fits a format, and which file comes of it."""

import pytest

from app.domain.formats import FORMATS
from app.domain.packaging import Container, Packaging, parse_packaging


@pytest.mark.parametrize(
    ("name", "given", "suffix"),
    [
        ("alpaca", {}, ".json"),
        ("alpaca_jsonl", {}, ".jsonl"),
        ("alpaca", {"container": "parquet"}, ".parquet"),
        ("alpaca", {"container": "jsonl.gz"}, ".jsonl.gz"),
        ("flan_cot", {}, ".tsv"),
        ("alpaca", {"test": 0.1}, ".zip"),
        ("alpaca", {"shard_mib": 1}, ".zip"),
        ("alpaca", {"bundle": True}, ".zip"),
        ("handoff", {"validation": 0.1}, ".jsonl"),
        ("handoff", {"validation": 0.1, "bundle": True}, ".zip"),
    ],
)
def test_the_file_of_an_export(name: str, given: dict[str, object], suffix: str) -> None:
    chosen = FORMATS[name]()
    found, problems = parse_packaging(given, chosen)
    assert problems == ()
    assert found is not None
    assert found.suffix(chosen) == suffix


@pytest.mark.parametrize(
    ("name", "given", "pointer", "code"),
    [
        ("flan_cot", {"container": "json"}, "/packaging/container", "unfit_container"),
        ("alpaca", {"container": "tsv"}, "/packaging/container", "unfit_container"),
        ("moss", {"container": "parquet"}, "/packaging/container", "unfit_container"),
        ("handoff", {"shard_mib": 5}, "/packaging/shard_mib", "unfit_shards"),
        ("alpaca", {"validation": 0.5, "test": 0.5}, "/packaging/test", "out_of_range"),
        ("alpaca", {"validation": 1.5}, "/packaging/validation", "out_of_range"),
        ("alpaca", {"containr": "json"}, "/packaging/containr", "unknown_field"),
    ],
)
def test_what_does_not_fit_is_said(
    name: str, given: dict[str, object], pointer: str, code: str
) -> None:
    found, problems = parse_packaging(given, FORMATS[name]())
    assert found is None
    assert [(each.pointer, each.code) for each in problems] == [(pointer, code)]


def test_every_format_has_a_container_of_its_own() -> None:
    for kind in FORMATS.values():
        assert Packaging().container_of(kind()) in Container
