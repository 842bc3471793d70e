"""The tree in docs/architecture.md, made of the modules' own first sentences.

`python -m tests.architecture_tree` writes it; a test compares.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from app.embedded.migrate import ROOT

PAGE = ROOT / "docs" / "architecture.md"
TOPS = ("run.py", "app", "workers", "migrations", "benchmarks")
BEGIN, END = "<!-- tree -->\n```text\n", "```\n<!-- end of tree -->\n"
COLUMN = 34


def first_sentence(path: Path) -> str:
    """The first paragraph of a module's docstring, as one line."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def tree() -> str:
    """The whole tree, a module a line: files of a folder first, then its folders."""
    lines = [line for name in TOPS for line in _lines(ROOT / name, depth=0)]
    return "".join(f"{line}\n" for line in lines)


def _lines(path: Path, depth: int) -> Iterator[str]:
    if path.is_file():
        yield _line(path.name, depth, first_sentence(path))
        return
    opening = path / "__init__.py"
    inner = [each for each in sorted(path.iterdir()) if each != opening]
    modules = [each for each in inner if each.suffix == ".py"]
    folders = [each for each in inner if each.is_dir() and any(each.rglob("*.py"))]
    if modules or folders or opening.exists():
        yield _line(f"{path.name}/", depth, first_sentence(opening) if opening.exists() else "")
    for each in [*modules, *folders]:
        yield from _lines(each, depth + 1)


def _line(name: str, depth: int, sentence: str) -> str:
    start = "  " * depth + name
    return f"{start:<{COLUMN}}  {sentence}".rstrip()


def parts(page: str) -> tuple[str, str, str]:
    """What the page has before the tree, the tree, and what comes after."""
    before, _, rest = page.partition(BEGIN)
    found, _, after = rest.partition(END)
    return before, found, after


def write() -> None:
    """Put the present tree into the page."""
    before, _, after = parts(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(before + BEGIN + tree() + END + after, encoding="utf-8")


if __name__ == "__main__":
    write()
    sys.stdout.write(f"wrote {PAGE}\n")
