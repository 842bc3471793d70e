"""The model card: what was trained on what, how it went, and under which licences."""

from collections.abc import Mapping
from typing import Any

from app.domain.tuning import TUNING_METHODS
from app.domain.tuning_results import before_and_after, verdict_words
from workers.training.run_folder import Run

_WARNING = (
    "> **TRAINED ON SIMULATED DATA.** No language model wrote the rows; they come from a scripted "
    "stand-in and are of no use for training. This result only shows that the machinery works."
)


def model_card(run: Run, base: str, metrics: Mapping[str, Any], versions: Mapping[str, str]) -> str:
    """Markdown for the README.md of a run."""
    method = TUNING_METHODS[run.config.method]
    sections = [
        f"# {base}, tuned with {run.config.method}",
        *([_WARNING] if run.manifest.simulated else []),
        f"{method.title} ({method.paper}).{' ' + method.note if method.note else ''}",
        _table(_facts(run, base, metrics)),
        "## Evaluation",
        *_evaluation(metrics["evaluation"]),
        "## Data",
        _table(_lineage(run)),
        "## Licence",
        (
            "Whoever uses this needs the right to do so from the base model's licence, from the "
            f"licence of the data ({inline(run.manifest.licence)}) and from the terms of the "
            "model that wrote them. Nothing here grants more than they do."
        ),
        "## Limits",
        _limits(metrics),
        "## Made with",
        _table([(name, version) for name, version in versions.items()]),
    ]
    return "\n\n".join(sections) + "\n"


def _facts(run: Run, base: str, metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Base model", base),
        ("Trained parameters", f"{metrics['trained_parameters']:,}"),
        ("Rows", f"{metrics['data']['train_rows']:,}"),
        (
            "Dropped",
            ", ".join(f"{n} {name}" for name, n in metrics["data"]["dropped"].items()) or "0",
        ),
        ("Steps", f"{metrics['steps']:,}"),
        ("Seed", str(run.config.seed)),
        ("Learning rate", f"{run.config.rate:g}"),
        ("Tokens", f"{metrics['tokens']:,}"),
    ]


def _evaluation(found: Mapping[str, Any]) -> list[str]:
    """Before and after as one table, and the verdict in words."""
    lines = [
        "| Measure | Base | Tuned | Change (95 %) |",
        "| --- | --- | --- | --- |",
        *(f"| {' | '.join(cells)} |" for cells in before_and_after(found)),
    ]
    return ["\n".join(lines), " ".join(verdict_words(found["verdict"]))]


def _lineage(run: Run) -> list[tuple[str, str]]:
    manifest = run.manifest
    found = [
        ("sha256 of the handoff", manifest.sha256),
        ("Licence", manifest.licence),
        ("Simulated", "yes" if manifest.simulated else "no"),
    ]
    return found + list(_flat("", manifest.source))


def _flat(prefix: str, members: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Nested members of the source by dotted names, the plain ones alone."""
    found: list[tuple[str, str]] = []
    for name, value in members.items():
        if isinstance(value, Mapping):
            found += _flat(f"{prefix}{name}.", value)
        elif isinstance(value, str | int | float) and value != "":
            found.append((f"{prefix}{name}", str(value)))
    return found


def _limits(metrics: Mapping[str, Any]) -> str:
    found = metrics["evaluation"]
    overlap = found["overlap"]
    if not overlap["rows"]:
        return "Nothing was held out, so nothing is known of how it does on other rows."
    return (
        f"It was measured on {overlap['rows']} rows that it was not trained on; of them "
        f"{overlap['shared']} share a run of {overlap['run']} tokens with a row that it was. "
        "A loss tells how well the model expects such completions, ROUGE-L how many words answers "
        "have in common with the reference; neither tells how good they are."
    )


def _table(rows: list[tuple[str, str]]) -> str:
    lines = ["| What | Value |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {inline(name)} | {inline(value)} |" for name, value in rows)])


def inline(text: str) -> str:
    """Text of others inside a line of Markdown: it stays on its line and is no markup."""
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*[]<>|&" else char for char in flat)
