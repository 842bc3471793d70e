"""The words about the code, held against the code: trees, tables, commands, addresses, links."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from typer.core import TyperGroup
from typer.main import get_command

import run
from app.cli.main import COMMANDS, root
from app.domain import lifecycle
from app.domain.filtering import NAMES as FILTERS
from app.domain.filters import GROUP_FILTERS, INSTANCE_FILTERS, INSTRUCTION_FILTERS
from app.domain.formats import FORMATS
from app.domain.lifecycle import (
    BATCH_MOVES,
    CANDIDATE_MOVES,
    JOB_MOVES,
    SLOT_MOVES,
    TRAINING_MOVES,
    BatchState,
    CandidateState,
    ConversationState,
    ExportState,
    JobState,
    SlotState,
    TrainingState,
)
from app.domain.methods import METHODS
from app.embedded.migrate import ROOT
from app.main import create_app
from app.settings import Settings
from tests import training_tables
from tests.architecture_tree import parts, tree
from tests.filter_rows import start_of

DOCS = ROOT / "docs"
OF_JOBS_ALONE = {"image_request"}
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "seeds" / "README.md"])
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"(?:\$api|:8000|(?<![\w.]))/v1(/[\w{}$/-]+)")
COMMAND_LINE = re.compile(
    r"(?:\$ )?(?:docker compose exec (?:--no-TTY )?\S+ |\.venv/bin/)?cultivar (.+)"
)
LINK = re.compile(
    r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|src(?:set)?=\"([^\"]+)\""
)


def text_of(name: str) -> str:
    """A page by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """The names under which a page's headings can be linked to."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE):
        kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(kept.replace(" ", "-"))
    return found


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its rank."""
    rank = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, heading
    return re.split(rf"(?m)^#{{1,{len(rank)}}} ", rest)[0]


# Trees and tables


def test_the_tree_is_the_modules_own_words() -> None:
    _, found, _ = parts(text_of("docs/architecture.md"))
    assert found == tree(), "run: python -m tests.architecture_tree"


def variable(name: str, field: FieldInfo) -> str:
    """The environment variable of a setting."""
    alias = field.validation_alias
    return alias if isinstance(alias, str) else f"CULTIVAR_{name.upper()}"


def settings_table() -> str:
    """Every setting with its default, as docs/operations.md is to show it."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default is None or isinstance(default, SecretStr) else f"`{default}`"
        lines.append(f"| `{variable(name, field)}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def test_every_setting_has_its_row() -> None:
    page = text_of("docs/operations.md")
    found = re.search(r"<!-- settings -->\n(.*)<!-- end of settings -->\n", page, re.DOTALL)
    assert found
    assert found[1] == settings_table(), settings_table()


@pytest.mark.parametrize("name", training_tables.TABLES)
def test_the_tables_on_training_are_the_codes_own_words(name: str) -> None:
    page = training_tables.PAGE.read_text(encoding="utf-8")
    found = training_tables.between(page, name)
    assert found == training_tables.TABLES[name](), "run: python -m tests.training_tables"


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_its_heading(name: str) -> None:
    assert f"\n## {name}\n" in text_of("docs/methods.md")


@pytest.mark.parametrize("name", [*INSTRUCTION_FILTERS, *INSTANCE_FILTERS, *GROUP_FILTERS])
def test_every_filter_of_a_method_has_its_row(name: str) -> None:
    if name not in OF_JOBS_ALONE:
        assert re.search(rf"^\|.*filter `{name}`", text_of("docs/methods.md"), re.MULTILINE)


def test_the_filters_listed_are_those_that_exist_in_their_own_words() -> None:
    table = section(text_of("docs/filters.md"), "## The filters")
    rows = re.findall(r"^\| `.*$", table, re.MULTILINE)
    assert [row.split("`")[1] for row in rows] == list(FILTERS)
    for name, row in zip(FILTERS, rows, strict=True):
        assert row.startswith(start_of(name)), start_of(name)
        assert row.count("|") == 10, name


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_its_heading(name: str) -> None:
    assert f"\n### `{name}`\n" in text_of("docs/formats.md")


def test_the_glossary_has_each_word_once() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", text_of("docs/glossary.md"), re.MULTILINE)
    assert len(words) == len(set(words)) >= 20


# State machines


def drawn_moves(text: str) -> set[tuple[str, str]]:
    """The arrows of a Mermaid state diagram, without beginnings and ends."""
    return set(re.findall(r"^\s*(\w+) --> (\w+)", text, re.MULTILINE))


def told_moves(text: str) -> set[tuple[str, str]]:
    """The arrows that a table has a sentence for."""
    return set(re.findall(r"^\| (\w+) → (\w+) \| [A-Z].+\. \|$", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("heading", "moves"),
    [
        ("### Job", JOB_MOVES),
        ("### Call slot", SLOT_MOVES),
        ("### Candidate", CANDIDATE_MOVES),
        ("### Batch", BATCH_MOVES),
        ("### Training run", TRAINING_MOVES),
    ],
)
def test_each_move_is_drawn_and_told(heading: str, moves: Mapping[str, frozenset[str]]) -> None:
    text = section(text_of("docs/architecture.md"), heading)
    real = {(str(start), str(end)) for start, ends in moves.items() for end in ends}
    assert drawn_moves(text) == real
    assert told_moves(text) == real


def test_the_small_machines_are_drawn_as_in_the_code() -> None:
    text = section(text_of("docs/architecture.md"), "### Conversation and export")
    states = {state for move in drawn_moves(text) for state in move}
    assert states == {*map(str, ConversationState), *map(str, ExportState)}
    drawing = re.sub(r"\s+", " ", lifecycle.__doc__ or "")
    assert "open ──> done | failed ──retry──> open" in drawing
    assert "queued ──> running ──> ready | failed" in drawing


def test_every_state_is_drawn() -> None:
    text = text_of("docs/architecture.md")
    for heading, states in (
        ("### Job", JobState),
        ("### Call slot", SlotState),
        ("### Candidate", CandidateState),
        ("### Batch", BatchState),
        ("### Training run", TrainingState),
    ):
        drawing = section(text, heading)
        assert all(re.search(rf"\b{state}\b", drawing) for state in states)


# Commands and addresses


def command_lines(text: str) -> Iterator[list[str]]:
    """What follows `cultivar` on each line of a page's shell blocks that begins with it."""
    for language, block in FENCE.findall(text):
        if language in {"sh", "console"}:
            for line in block.replace("\\\n", " ").splitlines():
                found = COMMAND_LINE.match(line)
                if found:
                    yield shlex.split(found[1], comments=True)


def door_commands() -> set[str]:
    """What run.py knows, read from its help."""
    return set(re.findall(r"^  (\w+) ", run.USAGE, re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_run_py_knows_the_commands_that_pages_name(name: str) -> None:
    assert set(re.findall(r"run\.py ([a-z]+)\b", text_of(name))) <= door_commands() | {"does"}


def test_the_readme_names_every_command_of_run_py() -> None:
    named = set(re.findall(r"python3 run\.py ([a-z]+)\b", text_of("README.md")))
    assert named == door_commands()


@pytest.mark.parametrize("name", NAMES)
def test_the_command_line_knows_what_pages_show(name: str) -> None:
    for words in command_lines(text_of(name)):
        check_command(words)


def check_command(words: list[str]) -> None:
    """Walk down the tree of commands; every word and every option must be known."""
    given = list(words)
    command = get_command(root(given))
    while isinstance(command, TyperGroup):
        assert given, f"{words}: a command of {command.name} is missing"
        name = given.pop(0)
        assert name in command.commands, f"{words}: there is no {name}"
        command = command.commands[name]
    known = {flag for each in command.params for flag in each.opts + each.secondary_opts}
    used = {word.partition("=")[0] for word in given if word.startswith("-") and word != "-"}
    assert used <= known | {"--help"}, f"{words}: {used - known}"


def test_the_readme_shows_the_tools() -> None:
    """Each command that there is, is at least named."""
    assert all(f"cultivar {name}" in text_of("README.md") for name in COMMANDS)


@pytest.fixture(scope="module")
def addresses() -> set[str]:
    """The paths of the API, every parameter as {}."""
    return {re.sub(r"\{\w+\}", "{}", path) for path in create_app().openapi()["paths"]}


@pytest.mark.parametrize("name", NAMES)
def test_the_api_knows_the_addresses_that_pages_name(name: str, addresses: set[str]) -> None:
    text = text_of(name).replace(":8001/v1", "")
    before, _, after = parts(text)  # the tree speaks of teachers' addresses too
    for path in ADDRESS.findall(before + after):
        general = re.sub(r"\$\w+|\{\w*\}", "{}", f"/v1{path}".rstrip("/"))
        assert general in addresses, path


# Links, versions, house style


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_links_lead_somewhere(path: Path) -> None:
    for found in LINK.findall(prose(path.read_text(encoding="utf-8"))):
        target = "".join(found)
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file) if file else path
        assert linked.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), target


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        for target in LINK.findall(prose(page.read_text(encoding="utf-8"))):
            file = "".join(target).partition("#")[0]
            if file and not re.match(r"\w+:", file):
                waiting.append((page.parent / file).resolve())
    assert set(PAGES) <= seen


def test_the_changelog_opens_with_what_is_not_released() -> None:
    """Unreleased on top; below it the version of pyproject.toml once that was released."""
    headings = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", text_of("CHANGELOG.md"), re.MULTILINE)
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    assert headings[0] == ("Unreleased", "")
    released = headings[1:]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for _, day in released)
    numbers = [tuple(map(int, number.split("."))) for number, _ in released]
    assert numbers == sorted(numbers, reverse=True)
    assert not released or released[0][0] == version
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)


def test_decisions_are_numbered_and_have_their_four_parts() -> None:
    found = sorted((DOCS / "decisions").glob("*.md"))
    assert [path.name[:4] for path in found] == [f"{n:04}" for n in range(1, len(found) + 1)]
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(path.name[:4])}. ")
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives"]
        assert len(text.splitlines()) <= 60, "one page"


def test_the_licence_is_the_one_that_is_named() -> None:
    assert "Apache License\n                           Version 2.0" in text_of("LICENSE")
    assert 'license = "Apache-2.0"' in text_of("pyproject.toml")
