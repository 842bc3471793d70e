"""The lock files hold names, versions and hashes, agree with each other, and name no address."""

import re
import tomllib

import pytest

import run
from app.embedded.migrate import ROOT

CORE = (ROOT / "requirements.lock").read_text(encoding="utf-8")
DEVELOPMENT = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")


TRAIN = (ROOT / "requirements-train.lock").read_text(encoding="utf-8")
TRAIN_CUDA = (ROOT / "requirements-train-cuda.lock").read_text(encoding="utf-8")


def pins(text: str) -> dict[str, str]:
    """Return the version pinned for each package."""
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", text, flags=re.MULTILINE))


def test_the_development_lock_holds_all_of_the_other_at_the_same_versions() -> None:
    assert pins(CORE).items() <= pins(DEVELOPMENT).items()


ALL = {"core": CORE, "development": DEVELOPMENT, "train": TRAIN, "train-cuda": TRAIN_CUDA}


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_names_versions_hashes_and_nothing_else(text: str) -> None:
    allowed = re.compile(
        r"[A-Za-z0-9_.-]+==[^\s;/]+( ; [^/:@]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    assert [line for line in text.splitlines() if not allowed.fullmatch(line)] == []
    assert len(pins(text)) > 15


@pytest.mark.parametrize("text", [CORE, DEVELOPMENT, TRAIN], ids=["core", "development", "train"])
def test_the_build_backend_is_pinned_like_the_rest(text: str) -> None:
    assert pins(text)["setuptools"]


def test_what_a_gpu_needs_is_apart_from_the_rest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["optional-dependencies"]["train"]
    found = {**pins(TRAIN), **pins(TRAIN_CUDA)}
    for each in wanted:
        name, _, version = each.partition(";")[0].partition("==")
        if version:
            assert found[name] == version
    assert not pins(TRAIN).keys() & pins(TRAIN_CUDA).keys()
    assert {"torch", "triton", "bitsandbytes"} <= pins(TRAIN_CUDA).keys()
    assert all(name.startswith(run.GPU_PACKAGES) for name in pins(TRAIN_CUDA))
    assert not [name for name in pins(TRAIN) if name.startswith(run.GPU_PACKAGES)]
