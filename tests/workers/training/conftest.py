"""A tiny base model for all; without torch the tests here are not even read."""

import importlib.util
from pathlib import Path

import pytest

TORCH = importlib.util.find_spec("torch") is not None
collect_ignore_glob = [] if TORCH else ["test_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here trains; the libraries' warnings about each other are not ours to heed."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.train)
            for kind in ("ignore::FutureWarning", r"ignore::UserWarning:peft\..*"):
                item.add_marker(pytest.mark.filterwarnings(kind))


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny products of matrices gain nothing by a second thread, and lose much on a busy core."""
    importlib.import_module("torch").set_num_threads(1)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base without bias terms, as Llama's kin are."""
    return _made(tmp_path_factory, biases=False)


@pytest.fixture(scope="session")
def biased_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base with bias terms."""
    return _made(tmp_path_factory, biases=True)


def _made(factory: pytest.TempPathFactory, *, biases: bool) -> Path:
    tiny = importlib.import_module("tests.workers.training.tiny")
    return tiny.make_tiny(factory.mktemp("base") / "tiny-base", biases=biases)
