"""`cultivar replay`: recorded replies through a method's rules again, without a service."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, assert_never

from rich.console import Console
from typer import BadParameter, Option

from app.cli.method_options import OptionPairs, read_options
from app.domain.tokens import Tokens
from app.use_cases import methods
from app.use_cases.replay import ReplaySettings, replay_answers, replay_instructions


class Step(StrEnum):
    """Whose replies are replayed."""

    PROPOSE = "propose"
    ANSWER = "answer"


def command(
    replies: Annotated[Path, Option(help="recorded replies, one JSON object a line; - is a pipe")],
    step: Annotated[
        Step, Option(help="propose: new instructions; answer: their examples")
    ] = Step.PROPOSE,
    method: Annotated[str, Option(help="the method")] = "self_instruct",
    profile: Annotated[
        str, Option(help="the method's named settings; paper: as published")
    ] = "default",
    seeds: Annotated[
        Path | None, Option(help="the seed tasks that the job began with (step propose)")
    ] = None,
    instructions: Annotated[
        Path | None, Option(help="classification replies by instruction (step answer)")
    ] = None,
    threshold: Annotated[float | None, Option(help="instead of the profile's")] = None,
    tokens: Annotated[
        Tokens, Option(help="rouge: rouge-score's own; unicode: any language")
    ] = Tokens.ROUGE,
    option: OptionPairs = None,
    out: Annotated[Path | None, Option(help="where the lines go; else standard output")] = None,
) -> None:
    """Shows what a method accepts of replies that are there already, so it costs nothing.

    Step propose writes `{"instruction", "avg_similarity_score", "most_similar"}`, step answer
    `{"instruction", "input", "output"}`. Drops are counted by reason on standard error.
    """
    options = dict(read_options(option or [], methods.get(method).options))
    if threshold is not None:
        options["threshold"] = threshold
    settings = ReplaySettings(method, profile, options, tokens)
    source, target = _path(replies), None if out is None else _path(out)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    match step:
        case Step.PROPOSE:
            needed = _needed(seeds, "--seeds", step)
            found = replay_instructions(settings, seeds=needed, replies=source, out=target)
            counted = f"{len(found.accepted):,} instructions accepted"
            _say(console, found.replies, counted, found.dropped)
            if found.zero_yield_replies:
                console.print(f"  replies that yielded nothing: {found.zero_yield_replies:,}")
        case Step.ANSWER:
            needed = _needed(instructions, "--instructions", step)
            answers = replay_answers(settings, instructions=needed, replies=source, out=target)
            counted = f"{len(answers.triples):,} examples accepted"
            _say(console, answers.replies, counted, answers.dropped)
            if answers.unclear:
                console.print(f"  unclear classification: {answers.unclear:,}")
        case _:
            assert_never(step)


def _path(path: Path) -> Path | None:
    return None if str(path) == "-" else path


def _needed(path: Path | None, flag: str, step: Step) -> Path:
    if path is None:
        raise BadParameter(f"step {step} needs it", param_hint=flag)
    return path


def _say(console: Console, replies: int, counted: str, dropped: Mapping[str, int]) -> None:
    total = sum(dropped.values())
    console.print(f"{replies:,} replies: {counted}, {total:,} dropped")
    for reason, count in sorted(dropped.items(), key=lambda item: (-item[1], item[0])):
        console.print(f"  {reason}: {count:,}", markup=False)
