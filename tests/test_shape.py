"""The house rules that a reader sees from the shape of the tree alone."""

import ast
import sys
from pathlib import Path

import pytest

from app.embedded.migrate import ROOT

FILE_LIMIT = 500
FUNCTION_LIMIT = 60
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
DOMAIN_LIBRARIES = {"app", "numpy", "rapidfuzz", "numba", "jinja2", "yaml", "py3langid"}
FOLDERS = ("app", "workers", "migrations", "tests", "benchmarks")

MODULES = sorted(
    [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")] + [ROOT / "run.py"]
)
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]
PACKAGES = [path for path in MODULES if path.name == "__init__.py"]
# Alembic writes a migration in one piece, and once released it never changes.
HELD = [path for path in MODULES if path.parent.name != "versions"]
DOMAIN = [path for path in MODULES if path.is_relative_to(ROOT / "app" / "domain")]


def long_functions(tree: ast.Module) -> list[str]:
    """Return the functions over the limit, a nested one counted in the outer as well."""
    return [
        f"{node.name} ({(node.end_lineno or 0) - node.lineno + 1} lines)"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LIMIT
    ]


def sentences(docstring: str) -> int:
    """Return how many sentences the first paragraph of a docstring holds, roughly."""
    first = docstring.strip().split("\n\n")[0].replace("\n", " ").replace("et al. ", "")
    return first.count(". ") + 1


def outside_imports(tree: ast.Module) -> set[str]:
    """Return the top-level packages that a module imports, without the standard library's."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names)


def is_registry(node: ast.stmt) -> bool:
    """Tell whether a statement may stand in a registry: its imports and its literal tables."""
    allowed = ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign
    return isinstance(node, allowed)


@pytest.mark.parametrize("path", HELD, ids=[str(path.relative_to(ROOT)) for path in HELD])
def test_small_enough_to_hold(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    assert lines <= FILE_LIMIT
    assert long_functions(ast.parse(text)) == []


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_opens_with_one_sentence(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, "a module says in one sentence what it is for"
    assert sentences(docstring) == 1
    assert docstring.strip().split("\n\n")[0].endswith((".", "``", ":"))


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_named_for_one_concept(path: Path) -> None:
    assert path.stem not in SAYS_NOTHING
    assert path.parent.name not in SAYS_NOTHING


@pytest.mark.parametrize("path", PACKAGES, ids=[str(path.relative_to(ROOT)) for path in PACKAGES])
def test_packages_hold_a_sentence_or_a_registry(path: Path) -> None:
    statements = ast.parse(path.read_text(encoding="utf-8")).body[1:]
    assert [ast.unparse(node) for node in statements if not is_registry(node)] == []
    tables = [node for node in statements if isinstance(node, ast.Assign | ast.AnnAssign)]
    assert tables or not statements, "a package re-exports nothing; import from the module itself"


@pytest.mark.parametrize("path", DOMAIN, ids=[str(path.relative_to(ROOT)) for path in DOMAIN])
def test_the_domain_needs_few_libraries(path: Path) -> None:
    imports = outside_imports(ast.parse(path.read_text(encoding="utf-8")))
    assert imports <= DOMAIN_LIBRARIES


def test_the_checks_see_what_is_wrong() -> None:
    long = "def f():\n" + "    x = 1\n" * FUNCTION_LIMIT
    assert long_functions(ast.parse(long)) == [f"f ({FUNCTION_LIMIT + 1} lines)"]
    assert sentences("One. Two.") == 2
    assert outside_imports(ast.parse("import os.path\nfrom redis import Redis")) == {"redis"}
    assert not is_registry(ast.parse("def f(): ...").body[0])
