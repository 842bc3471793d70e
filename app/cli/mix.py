"""`cultivar templates mix`: solved tasks into one mixture in the manner of Flan."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from typer import Argument, BadParameter, Option

from app.cli.terminal import error_console
from app.domain.flan.examples import FOUR_STYLES, Style, StyleSettings
from app.domain.flan.mixing import MixSettings, Rates
from app.use_cases.mixing import MixOrder, MixReport, MixSummary, mix_files, task_named

Caps = Annotated[
    list[str] | None,
    Option(help="N, or NAME=N for a task or collection: examples of a task at most"),
]
RateCap = Annotated[int, Option(min=1, help="size that counts at most (rates examples)")]
T0Cap = Annotated[int, Option(min=1, help="size from which a task is cut (rates t0)")]
Temperature = Annotated[float, Option(min=0.01, help="above 1 evens the shares of tasks out")]
Weights = Annotated[list[str] | None, Option(help="COLLECTION=SHARE; then one for each collection")]
Styles = Annotated[
    list[str] | None, Option(help="STYLE=SHARE of those wanted; else all four alike")
]
FewShotTokens = Annotated[
    int, Option(min=1, help="tokens of an input with worked examples at most")
]
Inversion = Annotated[float, Option(min=0, max=1, help="inverted examples to each plain one")]
ExemplarPool = Annotated[int, Option(min=1, help="cases of a template kept for worked examples")]


def mix(
    files: Annotated[
        list[str],
        Argument(metavar="[COLLECTION:]FILE", help="solved tasks, each file one task"),
    ],
    rows: Annotated[int | None, Option(min=1, help="examples wanted; else all there are")] = None,
    cap: Caps = None,
    rates: Annotated[Rates, Option(help="what a task's share depends on")] = Rates.EXAMPLES,
    rate_cap: RateCap = 3000,
    t0_cap: T0Cap = 500_000,
    temperature: Temperature = 1.0,
    weight: Weights = None,
    style: Styles = None,
    shots: Annotated[int, Option(min=1, help="worked examples in a prompt at most")] = 5,
    input_tokens: Annotated[int, Option(min=1, help="tokens of an input at most")] = 2048,
    few_shot_tokens: FewShotTokens = 1920,
    target_tokens: Annotated[int, Option(min=1, help="tokens of a target at most")] = 512,
    inversion: Inversion = 0.3,
    exemplar_pool: ExemplarPool = 64,
    random_seed: Annotated[int, Option(help="seed of every draw")] = 0,
    out: Annotated[Path | None, Option(help="where the lines go; else standard output")] = None,
) -> None:
    """Write solved tasks zero-shot and few-shot, options shown or not, mixed by caps and rates.

    Lines of a file are those of `render --provenance`, or `{"question", "answer", "chain"}`, or
    `{"turns"}`, or `{"instruction", "input", "output"}`.
    """
    sizes = MixSettings(
        rows, _caps(cap or ()), rates, rate_cap, t0_cap, temperature, _weights(weight or ())
    )
    styles = StyleSettings(
        _styles(style or ()), shots, input_tokens, few_shot_tokens, target_tokens
    )
    order = MixOrder(sizes, styles, inversion, exemplar_pool, random_seed)
    screen = error_console()
    target = None if out is None or str(out) == "-" else out
    with _progress(screen) as report:
        summary = mix_files([task_named(each) for each in files], target, order, report)
    _show(screen, summary, rows)


def _caps(given: Iterable[str]) -> Mapping[str, int]:
    """A number alone is for every task that has none of its own."""
    pairs = [each if "=" in each else f"={each}" for each in given]
    return {name: int(count) for name, count in _numbers(pairs, "--cap").items()}


def _weights(given: Iterable[str]) -> Mapping[str, float] | None:
    return _numbers(given, "--weight") or None


def _styles(given: Iterable[str]) -> Mapping[Style, float]:
    shares = _numbers(given, "--style")
    unknown = [name for name in shares if name not in {*FOUR_STYLES}]
    if unknown:
        known = ", ".join(FOUR_STYLES)
        raise BadParameter(f"{unknown[0]} is none of {known}", param_hint="--style")
    return {Style(name): share for name, share in shares.items()} or dict.fromkeys(FOUR_STYLES, 1.0)


def _numbers(given: Iterable[str], flag: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in given:
        name, _, number = each.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            raise BadParameter(f"{each} is no NAME=NUMBER", param_hint=flag) from None
        if not 0 <= found[name] < float("inf"):
            raise BadParameter(f"{number} must not be negative", param_hint=flag)
    return found


@contextmanager
def _progress(screen: Console) -> Iterator[MixReport | None]:
    """A bar for what is being done, where somebody would see it."""
    if not screen.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True) as progress:
        bar = progress.add_task("reading", total=None)

        def report(doing: str, done: int, total: int | None) -> None:
            progress.update(bar, description=doing, completed=done, total=total)

        yield report


def _show(screen: Console, summary: MixSummary, wanted: int | None) -> None:
    of = "" if wanted is None else f" of {wanted:,} wanted"
    screen.print(f"{summary.rows:,} examples{of} from {len(summary.tasks):,} tasks")
    for name, count in summary.tasks.items():
        screen.print(f"  task {name}: {count:,}")
    for style, count in summary.styles.most_common():
        screen.print(f"  style {style}: {count:,}")
    for reason, count in summary.drops.most_common():
        screen.print(f"  dropped, {reason}: {count:,}")
