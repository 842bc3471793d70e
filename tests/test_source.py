"""Row 5 of the security table, by reading the source: what must not be in it anywhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [
    *ROOT.glob("app/**/*.py"),
    *ROOT.glob("workers/**/*.py"),
    *ROOT.glob("migrations/**/*.py"),
]
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "litellm"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    "torch.load", "yaml.load", "yaml.full_load", "yaml.unsafe_load", "os.system", "os.popen",
    "numpy.load", "np.load", "pickle.loads",
}  # fmt: skip
NAMES = [str(path.relative_to(ROOT)) for path in SOURCES]


def forbidden(tree: ast.AST) -> Iterator[str]:
    """What a module does that nothing of ours may do."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from _called(node)


def _called(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    if name in CALLS or name in METHODS:
        yield name
    for keyword in node.keywords:
        value = ast.unparse(keyword.value)
        risky = {
            "shell": value != "False",
            "trust_remote_code": value != "False",
            "allow_pickle": value != "False",
            "weights_only": value != "True",
            "verify": value == "False",
            "use_safetensors": value != "True",
        }
        if risky.get(keyword.arg or ""):
            yield f"{name}({keyword.arg}={value})"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_unpickles_runs_or_trusts_what_it_is_given(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert list(forbidden(ast.parse(text))) == []
    assert not re.search(r"[\"']trust_remote_code[\"']: (?!False)", text)


@pytest.mark.parametrize(
    "code",
    ["import pickle", "from pickle import loads", "torch.load(x)", "yaml.load(x, L)", "eval(x)",
     "f(trust_remote_code=True)", "run(x, shell=True)", "load(x, weights_only=False)",
     "get(x, verify=False)"],
)  # fmt: skip
def test_the_reader_finds_what_it_looks_for(code: str) -> None:
    assert list(forbidden(ast.parse(code)))
