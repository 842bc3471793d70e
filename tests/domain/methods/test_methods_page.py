"""The page on methods has a section for each, with its options as the fields declare them."""

import json
import re
from pathlib import Path

import pytest

from app.domain.filters import GROUP_FILTERS, INSTANCE_FILTERS, INSTRUCTION_FILTERS
from app.domain.methods import METHODS
from app.domain.options import option_fields

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "methods.md").read_text(encoding="utf-8")


def option_table(name: str) -> str:
    """The options of a method, with the values that its other profiles set."""
    method = METHODS[name]
    profiles = [each for each in method.PROFILES if each != "default"]
    lines = [
        "| "
        + " | ".join(["option", "default", *(f"`{each}`" for each in profiles), "meaning"])
        + " |",
        "|---" * (3 + len(profiles)) + "|",
    ]
    for field in option_fields(method):
        set_by = [method.PROFILES[each].get(field.name, ...) for each in profiles]
        values = [shown(field.default), *("" if each is ... else shown(each) for each in set_by)]
        lines.append("| " + " | ".join([f"`{field.name}`", *values, field.help]) + " |")
    return "\n".join(lines)


def shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return f"`{text}`"


@pytest.mark.parametrize("name", METHODS)
def test_the_page_shows_every_option(name: str) -> None:
    found = re.search(rf"<!-- options of {name} -->\n(.*?)\n?<!-- end -->", PAGE, re.DOTALL)
    assert found, f"docs/methods.md wants a section on {name}"
    assert found[1] == option_table(name), option_table(name)
    assert f"\n## {name}\n" in PAGE


@pytest.mark.parametrize("name", [*INSTRUCTION_FILTERS, *INSTANCE_FILTERS, *GROUP_FILTERS])
def test_the_page_names_every_filter(name: str) -> None:
    assert f"filter `{name}`" in PAGE
