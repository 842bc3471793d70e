"""A run of another tool comes to figures, and one that cannot be had is skipped with the reason."""

from pathlib import Path

import pytest

from benchmarks.teacher_cases import Case, Figures, table
from benchmarks.teacher_peers import PEERS, Peer, run_peer
from tests.other_environment import cache_folder

QUICK = Case("quick", in_flight=10, latency_s=0.05, prompts=60, poison_every=20)

pytestmark = pytest.mark.slow


def cells(figures: Figures) -> list[str]:
    return [cell.strip() for cell in table(QUICK, [figures]).splitlines()[-1].split("|")[1:-1]]


def test_the_bare_loop_comes_to_figures() -> None:
    figures = run_peer("aiohttp", QUICK)
    assert figures.seen is not None
    assert (figures.ended, figures.rows, figures.seen.answered) == ("ok", 57, 57)
    assert (figures.seen.refused, figures.seen.sent_again) == (3, 0)
    assert figures.seen.most_in_flight == 10
    assert figures.share_of_ideal is not None
    assert 0 < figures.share_of_ideal <= 1
    assert figures.cpu_s_per_1000
    assert cells(figures)[:3] == ["aiohttp", "ok", str(figures.share_of_ideal)]


def test_what_cannot_be_had_is_skipped_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(PEERS, "gone", Peer("with_gone.py", (str(tmp_path / "no-such-folder"),)))
    figures = run_peer("gone", QUICK)
    assert figures.skipped is not None
    assert "no-such-folder" in figures.skipped
    assert cells(figures)[:3] == ["gone", f"skipped: {figures.skipped}", "-"]
    assert not (cache_folder() / "gone" / "packages.json").exists()  # so that it is tried again
