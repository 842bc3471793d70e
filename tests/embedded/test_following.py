"""How a job is followed in a terminal: every number stays whole, texts are cut, 80 columns do."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from app.domain.gates import Gate
from app.domain.lifecycle import JobState
from app.domain.watching import DroppedText, JobLook, LastError
from app.embedded.following import RATE_OVER_S, Rate, follow, line
from app.embedded.job_view import drawn, money, time_left
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.watching import Watch
from tests.api.stored_job import stored_job
from tests.driving import running_runtime

LONG = "Describe the gear wheel of a clock tower in a small town by the sea. " * 5
CHINESE = "描述一个海边小镇钟楼的齿轮。" * 20


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Any:
    with running_runtime(database_url, tmp_path / "home") as runtime:
        yield runtime


def busy(runtime: Runtime) -> JobLook:
    """A job with a lot to tell, written over one that is stored."""
    look = Watch(runtime, stored_job(runtime).job.id).look()
    job = replace(
        look.progress.job,
        state=JobState.RUNNING,
        target_rows=1_000_000,
        cap_micro_usd=50_000_000,
        spent_micro_usd=12_345_678,
        reserved_micro_usd=4_321,
    )
    progress = replace(
        look.progress,
        job=job,
        rows={"accepted": 123_456, "rejected": 7_890},
        candidates={"novel": 131_346, "duplicate": 98_765, "proposed": 12},
        drops={"rouge_l": 98_765, "empty_output": 7_890},
        errors={"rate_limited": 1_234},
    )
    return JobLook(
        progress=progress,
        slots={"done": 345_678, "failed": 12, "in_flight": 1_000, "ready": 543},
        teacher_name="a teacher",
        gate=Gate("t", 990, 10, 1_000, 12.4, 5_400.0),
        newest_rows=[LONG, CHINESE, "evil \x1b[2J row"],
        newest_drops=[DroppedText(LONG, "rouge_l", 0.8311)],
        last_error=LastError("ready", "rate_limited", f"HTTP 429: {LONG}", 3.2),
    )


def shown(look: JobLook, width: int, rate: float | None = 456.0) -> list[str]:
    """The view as lines of a terminal of that width."""
    written = io.StringIO()
    terminal = Console(file=written, force_terminal=True, width=width, color_system=None)
    terminal.print(drawn(look, rate))
    return written.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_numbers_stay_whole_and_texts_are_cut_to_the_width(runtime: Runtime, width: int) -> None:
    lines = shown(busy(runtime), width)
    assert all(cell_len(each.rstrip()) <= width for each in lines)
    text = " ".join(" ".join(lines).split())
    for fact in (
        "123,456 of 1,000,000 rows",
        "456/min",
        "32 h left",
        "345,678 done",
        "1,000 in flight",
        "shut for 12 s",
        "5,400/min learnt",
        "131,346 of 230,111 candidates (57 %)",
        "123,456 of 131,346 rows (94 %)",
        "98,765 rouge_l",
        "1,234 rate_limited",
        "$12.3457 of $50.0000 (25 %)",
        "$0.000100 a row",
        "$0.004321 reserved",
        "- rouge_l 0.83 Describe",
        "! rate limited: HTTP 429",
    ):
        assert fact in text, f"{fact}\n" + "\n".join(lines)
    cut = [each for each in lines if each.startswith("+ ") and "evil" not in each]
    assert len(cut) == 2
    assert all(each.rstrip().endswith("…") for each in cut)
    assert "\x1b[2J" not in text
    assert len(lines) <= 22, "it fits a window of 24 lines"


def test_a_look_is_what_is_stored(runtime: Runtime) -> None:
    stored = stored_job(runtime)
    look = Watch(runtime, stored.job.id).look()
    assert look.slots == {"done": 1, "failed": 1}
    assert list(look.newest_rows) == [f"Describe tree number {at}." for at in (2, 1, 0)]
    assert (look.teacher_name, look.gate, look.last_error) == ("gardener", None, None)
    text = "\n".join(shown(look, 80, None))
    assert "2 of 2 rows" in text
    assert "no calls under way" in text
    assert "done" in text


def test_a_pipe_gets_lines_and_a_terminal_a_view(runtime: Runtime) -> None:
    stored = stored_job(runtime)
    jobs.pause(runtime, stored.job.id)
    for terminal in (False, True):
        written = io.StringIO()
        console = Console(file=written, force_terminal=terminal, width=80, color_system=None)
        progress = follow(runtime, stored.job.id, console)
        assert progress.job.state is JobState.PAUSED
        text = written.getvalue()
        assert ("paused: 2 of 2 rows" in text) is not terminal
        assert ("Describe tree number 2." in text) is terminal
        assert ("\x1b" in text) is terminal


def test_a_line_tells_the_gate(runtime: Runtime) -> None:
    told = line(busy(runtime), 456.0)
    assert told.startswith("running: 123,456 of 1,000,000 rows, ")
    assert "1,000 in flight" in told
    assert "gate shut for 12 s" in told


def test_the_rate_is_that_of_the_last_minute() -> None:
    now_s = [0.0]
    rate = Rate(lambda: now_s[0])
    assert rate.of(100) is None
    now_s[0] = 10.0
    assert rate.of(110) == pytest.approx(60)
    for now_s[0] in (RATE_OVER_S + 10, 2 * RATE_OVER_S + 10):
        last = rate.of(110)
    assert last is None  # nothing came for a minute


@pytest.mark.parametrize(
    ("rows", "rate", "told"),
    [(0, None, "done"), (5, None, "- left"), (10, 60.0, "10 s left"), (300, 60.0, "5 min left")],
)
def test_time_left(rows: int, rate: float | None, told: str) -> None:
    assert time_left(rows, rate) == told


def test_money_shows_what_is_there() -> None:
    assert [money(n) for n in (0, 7, 1_500, 12_345_678)] == [
        "$0.0000", "$0.000007", "$0.001500", "$12.3457",
    ]  # fmt: skip
