"""A job drawn for a terminal: progress, calls, gate, what was kept and dropped, cost, errors."""

from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from app.domain.gates import Gate
from app.domain.lifecycle import CandidateState, JobState, RowState
from app.domain.watching import DroppedText, JobLook, LastError
from app.files.excerpt import visible

_MICRO = 1_000_000
_LABEL_WIDTH = 10
_SLOT_STATES = ("done", "rejected", "failed", "quarantined", "in_flight", "received", "ready")
_BAD = {"failed", "quarantined"}
_MOST_REASONS = 6
_STATE_STYLES = {
    JobState.RUNNING: "green",
    JobState.SUCCEEDED: "bold green",
    JobState.PAUSED: "yellow",
    JobState.FAILED: "bold red",
}


def drawn(look: JobLook, rows_per_minute: float | None) -> RenderableType:
    """The whole view; numbers stay whole at any width, texts are cut to it."""
    facts = Table.grid(padding=(0, 1))
    facts.add_column(width=_LABEL_WIDTH, style="dim", no_wrap=True)
    facts.add_column(overflow="fold", ratio=1)
    for label, value in _facts(look):
        facts.add_row(label, value)
    return Group(
        _head(look),
        _bar(look, rows_per_minute),
        facts,
        *_texts("newest rows", map(_row, look.newest_rows)),
        *_texts("dropped", map(_drop, look.newest_drops)),
        *_error(look.last_error),
    )


def _head(look: JobLook) -> Text:
    job = look.progress.job
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(job.state, _STATE_STYLES.get(job.state, "bold"))
    if job.reason:
        line.append(f" ({job.reason.replace('_', ' ')})")
    line.append(f"  {visible(job.name)}", "bold")
    line.append(f"  by {visible(look.teacher_name)}", "dim")
    return line


def _bar(look: JobLook, rows_per_minute: float | None) -> Table:
    job = look.progress.job
    rows = min(look.progress.accepted_rows, job.target_rows)
    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(ratio=1)
    for _ in range(3):
        line.add_column(no_wrap=True, justify="right")
    line.add_row(
        ProgressBar(total=job.target_rows, completed=rows),
        f"{rows:,} of {job.target_rows:,} rows",
        f"{rows_per_minute:,.0f}/min" if rows_per_minute else "-/min",
        time_left(job.target_rows - rows, rows_per_minute),
    )
    return line


def time_left(rows: int, rows_per_minute: float | None) -> str:
    """How long the rows that are missing will take at this rate."""
    if rows <= 0:
        return "done"
    if not rows_per_minute:
        return "- left"
    minutes = rows / rows_per_minute
    if minutes < 1:
        return f"{max(1, round(60 * minutes))} s left"
    if minutes < 100:
        return f"{round(minutes)} min left"
    return f"{minutes / 60:,.0f} h left"


def _facts(look: JobLook) -> Iterable[tuple[str, Text]]:
    yield "calls", _calls(look.slots)
    yield "gate", gate_text(look.gate)
    yield "kept", _kept(look)
    if look.progress.drops:
        yield "drops", _counts(look.progress.drops)
    if look.progress.errors:
        yield "errors", _counts(look.progress.errors)
    yield "cost", _cost(look)


def _calls(slots: Mapping[str, int]) -> Text:
    shown = [state for state in _SLOT_STATES if slots.get(state)]
    parts = [
        Text(f"{slots[state]:,} {state.replace('_', ' ')}", "red" if state in _BAD else "")
        for state in shown
    ]
    return Text(", ").join(parts) if parts else Text("none yet")


def gate_text(gate: Gate | None) -> Text:
    """How the teacher's gate stands, in a few words."""
    if gate is None:
        return Text("no calls under way", "dim")
    text = Text(gate.words)
    text.stylize("green" if gate.is_open else "yellow", 0, gate.words.index(","))
    return text


def _kept(look: JobLook) -> Text:
    progress = look.progress
    novel = progress.candidates.get(CandidateState.NOVEL, 0)
    judged = sum(n for state, n in progress.candidates.items() if state != CandidateState.PROPOSED)
    accepted, rejected = progress.accepted_rows, progress.rows.get(RowState.REJECTED, 0)
    waiting = progress.candidates.get(CandidateState.PROPOSED, 0)
    return Text(
        f"{novel:,} of {judged:,} candidates ({_share(novel, judged)}), "
        f"{accepted:,} of {accepted + rejected:,} rows ({_share(accepted, accepted + rejected)})"
        + (f", {waiting:,} wait for the novelty check" if waiting else "")
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _counts(counts: Mapping[str, int]) -> Text:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{count:,} {name}" for name, count in ordered[:_MOST_REASONS] if count]
    others = sum(count for _, count in ordered[_MOST_REASONS:])
    return Text(", ".join([*shown, f"{others:,} others"] if others else shown))


def _cost(look: JobLook) -> Text:
    job, accepted = look.progress.job, look.progress.accepted_rows
    text = Text(money(job.spent_micro_usd))
    if job.cap_micro_usd is not None:
        text.append(f" of {money(job.cap_micro_usd)}")
    if job.cap_micro_usd:
        text.append(f" ({_share(job.spent_micro_usd, job.cap_micro_usd)})")
    if accepted:
        text.append(f", {money(round(job.spent_micro_usd / accepted))} a row")
    if job.reserved_micro_usd:
        text.append(f", {money(job.reserved_micro_usd)} reserved")
    return text


def money(micro_usd: int) -> str:
    """Dollars to the hundredth of a cent, to the millionth where that would show nothing."""
    amount = micro_usd / _MICRO
    return f"${amount:,.4f}" if micro_usd == 0 or amount >= 0.01 else f"${amount:.6f}"


def _texts(label: str, lines: Iterable[Text]) -> Iterable[RenderableType]:
    found = list(lines)
    if found:
        yield Text(label, "dim")
    yield from found


def _line() -> Text:
    return Text(no_wrap=True, overflow="ellipsis")


def _row(instruction: str) -> Text:
    return _line().append("+ ", "green").append(visible(instruction))


def _drop(drop: DroppedText) -> Text:
    score = "" if drop.score is None else f" {drop.score:.2f}"
    return _line().append(f"- {drop.reason}{score}  ", "red").append(visible(drop.text))


def _error(error: LastError | None) -> Iterable[RenderableType]:
    if error is not None:
        kind = error.reason.replace("_", " ") or error.state
        yield Text(f"last error, {error.age_s:,.0f} s ago", "dim")
        yield _line().append(f"! {kind}: ", "yellow").append(visible(error.detail))
