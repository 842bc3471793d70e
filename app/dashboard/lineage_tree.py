"""Where a row came from and where it went, as a tree of short lines that lead on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from app.dashboard.numbers import dollars, number
from app.domain.review import Decision
from app.use_cases.row_exports import HoldingExport
from app.use_cases.rows import Lineage, LineageCall, ShownSource

_SHOWN = 160
_DECODING = ("temperature", "top_p", "max_tokens", "frequency_penalty", "presence_penalty", "n")


@dataclass(frozen=True, slots=True)
class Node:
    """One line: what it is, what it says, where it leads, and what stands below it."""

    kind: str
    text: str
    href: str = ""
    below: tuple["Node", ...] = ()


def lineage_tree(lineage: Lineage, sources: Sequence[ShownSource]) -> Node:
    """The row at the top; below it what made it, what judged it, and the files that hold it."""
    row = lineage.row
    state = f"{row.state}, {row.verdict} by people" if row.verdict else str(row.state)
    below = (
        _making(lineage, sources),
        _filters(lineage),
        *(_decision(each) for each in lineage.decisions),
        *(_export(each) for each in lineage.exports),
    )
    return Node("row", state, below=below)


def _making(lineage: Lineage, sources: Sequence[ShownSource]) -> Node:
    """From the last call back to what the first one showed."""
    propose, answer = lineage.propose, lineage.answer
    shown = tuple(_source(each) for each in sources)
    together = propose is not None and answer is not None and propose.slot_id == answer.slot_id
    if together and propose is not None:
        return Node("proposed and answered by", _call(propose), "#call-1", shown)
    before = shown if propose is None else (Node("proposed by", _call(propose), "#call-1", shown),)
    score = lineage.nearest_score
    novelty = "" if score is None else f", nearest before it ROUGE-L {score:.3f}"
    instruction = Node("instruction", f"{_short(lineage.row.instruction)}{novelty}", below=before)
    if answer is None:
        return instruction
    place = "#call-1" if propose is None else "#call-2"
    return Node("answered by", _call(answer), place, (instruction,))


def _call(call: LineageCall) -> str:
    decoding = call.prompt.get("decoding")
    settings = cast("Mapping[str, object]", decoding) if isinstance(decoding, Mapping) else {}
    parts = [
        call.model or "a reply that is not here any more",
        str(call.prompt.get("version") or ""),
        *(f"{name} {settings[name]}" for name in _DECODING if settings.get(name) is not None),
        _tokens(call),
        "reused, not paid again" if call.reused_from_job_id else dollars(call.cost_micro_usd),
    ]
    return ", ".join(part for part in parts if part)


def _tokens(call: LineageCall) -> str:
    if call.prompt_tokens is None or call.completion_tokens is None:
        return ""
    return f"{number(call.prompt_tokens)} and {number(call.completion_tokens)} tokens"


def _source(source: ShownSource) -> Node:
    return Node(source.kind, _short(source.instruction or "deleted since"))


def _filters(lineage: Lineage) -> Node:
    row = lineage.row
    said = f"dropped for {', '.join(row.reasons)}" if row.reasons else "passed"
    flags = f"; flagged {', '.join(row.flags)}" if row.flags else ""
    return Node("filters", f"{said}{flags}".replace("_", " "))


def _decision(decision: Decision) -> Node:
    why = f": {', '.join(decision.reasons)}".replace("_", " ") if decision.reasons else ""
    return Node(str(decision.verdict), f"by {decision.reviewer}{why}", "#decisions")


def _export(export: HoldingExport) -> Node:
    text = export.format.replace("_", " ")
    return Node("export", text, f"/dashboard/exports/{export.id}")


def _short(text: str) -> str:
    flat = " ".join(text.split()) or "(no text)"
    return flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 1]}…"
