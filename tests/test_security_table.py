"""The table of attacks, held against the tests that it names."""

import ast
import re

import pytest

from app.embedded.migrate import ROOT

PAGES = {
    name: (ROOT / "docs" / name).read_text(encoding="utf-8")
    for name in ("security.md", "hostile-input.md", "operations.md")
}
NAMED = sorted({found for text in PAGES.values() for found in re.findall(r"`(tests/[^`]+)`", text)})
ATTACKS = 27
PROMISES = ["7", "11", "20", "21", "22", "23"]


def test_every_attack_has_its_row_and_its_test() -> None:
    _, _, table = PAGES["security.md"].partition("## What proves it")
    table, _, promises = table.partition("What breaks by itself")
    rows = re.findall(r"^\| (\d+) \|.*\|.*\| (.*) \|$", table, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, ATTACKS + 1))
    assert all(shown.startswith("`tests/") for _, shown in rows)
    assert re.findall(r"^\| (\d+) \|", promises, re.MULTILINE) == [
        "7",
        "11",
        "20",
        "21",
        "22",
        "23",
    ]


@pytest.mark.parametrize("named", NAMED)
def test_every_test_that_is_named_is_there(named: str) -> None:
    path, _, function = named.partition("::")
    found = list(ROOT.glob(path)) or [ROOT / path]
    assert all(each.exists() for each in found), f"{path} is not there"
    if function:
        tree = ast.parse(found[0].read_text(encoding="utf-8"))
        assert function in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
