"""The lock files hold names, versions and hashes, agree with each other, and name no address."""

import re

import pytest

from app.embedded.migrate import ROOT

CORE = (ROOT / "requirements.lock").read_text(encoding="utf-8")
DEVELOPMENT = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")


def pins(text: str) -> dict[str, str]:
    """Return the version pinned for each package."""
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", text, flags=re.MULTILINE))


def test_the_development_lock_holds_all_of_the_other_at_the_same_versions() -> None:
    assert pins(CORE).items() <= pins(DEVELOPMENT).items()


@pytest.mark.parametrize("text", [CORE, DEVELOPMENT], ids=["core", "development"])
def test_names_versions_hashes_and_nothing_else(text: str) -> None:
    allowed = re.compile(
        r"[A-Za-z0-9_.-]+==[^\s;/]+( ; [^/:@]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    assert [line for line in text.splitlines() if not allowed.fullmatch(line)] == []
    assert len(pins(text)) > 50
    assert pins(text)["setuptools"], "the build backend is pinned like the rest"
