"""docs/cli.md lists the commands that there are, with the options that they have."""

import pytest

from app.embedded.migrate import ROOT
from tests.cli.command_tree import commands, listing

PAGE = ROOT / "docs" / "cli.md"
BEGINNING, END = "<!-- commands -->\n", "<!-- end of commands -->\n"


def test_the_listing_is_the_commands_own_words() -> None:
    text = PAGE.read_text(encoding="utf-8")
    listed = text.partition(BEGINNING)[2].partition(END)[0]
    assert listed.strip() == listing().strip(), f"between the marks of {PAGE} put:\n{listing()}"


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_command_has_its_heading(name: str) -> None:
    assert f"\n### {name}\n" in PAGE.read_text(encoding="utf-8")
