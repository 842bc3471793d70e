"""What the demo teacher can be told: one frozen value, and its reading from the command line."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.demo_teacher.faults import FaultPlan, parse_faults


class ScriptKind(StrEnum):
    """Where replies come from."""

    GRAMMAR = "grammar"
    REPLAY = "replay"


class LatencyTail(StrEnum):
    """How the seconds before a reply are spread; all have `latency_s` as their mean."""

    FIXED = "fixed"
    LOGNORMAL = "lognormal"
    TWO_POINT = "two_point"


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is not a share between 0 and 1")
    return value


def _replay_file(text: str) -> tuple[str, Path]:
    step, separator, path = text.partition("=")
    if not step or not separator or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not STEP=FILE")
    return step, Path(path)


def _faults(text: str) -> FaultPlan:
    try:
        return parse_faults(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _told(parse: Callable[[str], Any], help_text: str, *, repeated: bool = False) -> dict[str, Any]:
    """How a field is told on the command line: read by `parse`, perhaps several times."""
    return {"parse": parse, "help": help_text, "repeated": repeated}


@dataclass(frozen=True)
class Settings:
    """Every setting of one demo teacher; each field is the command line flag of the same name."""

    host: str = field(default="127.0.0.1", metadata=_told(str, "address to listen on"))
    port: int = field(default=0, metadata=_told(int, "port to listen on, 0 for any free one"))
    port_file: Path | None = field(
        default=None, metadata=_told(Path, "file that gets the bound port")
    )
    parent_death: bool = field(
        default=False, metadata=_told(bool, "exit when the process that started this one is gone")
    )
    script: ScriptKind = field(
        default=ScriptKind.GRAMMAR, metadata=_told(ScriptKind, "where replies come from")
    )
    seed: int = field(default=0, metadata=_told(int, "seed of every draw"))
    model: tuple[str, ...] = field(
        default=(),
        metadata=_told(
            str, "a model this teacher knows; none given: any name will do", repeated=True
        ),
    )
    context_tokens: int | None = field(
        default=None, metadata=_told(int, "refuse prompts longer than this")
    )
    duplicate_rate: float = field(
        default=0.15, metadata=_told(_share, "share of proposed items that are near-copies")
    )
    flawed_rate: float = field(
        default=0.04, metadata=_told(_share, "share of items that quality rules should drop")
    )
    wordy_rate: float = field(
        default=0.25, metadata=_told(_share, "share of chat yes/no replies that are sentences")
    )
    same_reply: bool = field(
        default=False, metadata=_told(bool, "the same text for every call of a step")
    )
    replay: tuple[tuple[str, Path], ...] = field(
        default=(),
        metadata=_told(_replay_file, "STEP=FILE, recorded replies of one step", repeated=True),
    )
    replay_wrap: bool = field(
        default=False, metadata=_told(bool, "start a used up replay file over")
    )
    latency_s: float = field(default=0.05, metadata=_told(float, "mean seconds before a reply"))
    latency_tail: LatencyTail = field(
        default=LatencyTail.FIXED, metadata=_told(LatencyTail, "how latency is spread")
    )
    faults: FaultPlan = field(
        default_factory=FaultPlan, metadata=_told(_faults, "NAME=RATE,... of the faults to inject")
    )
    retry_after_s: float = field(
        default=1.0, metadata=_told(float, "wait named by an injected 429")
    )
    hang_s: float = field(
        default=600.0, metadata=_told(float, "seconds an unanswered call is held")
    )
    late_s: float = field(default=60.0, metadata=_told(float, "extra seconds of a late reply"))
    drip_s: float = field(
        default=1.0, metadata=_told(float, "seconds between the bytes of a dripping reply")
    )
    huge_mib: int = field(default=30, metadata=_told(int, "size of a huge reply"))
    rate_limit_per_s: float | None = field(
        default=None, metadata=_told(float, "calls refilled into the bucket a second")
    )
    burst: int = field(default=20, metadata=_told(int, "calls the bucket holds"))
    quota_after: int | None = field(
        default=None, metadata=_told(int, "answer insufficient_quota after N calls")
    )
    unauthorized_after: int | None = field(
        default=None, metadata=_told(int, "answer 401 after N calls")
    )
    api_key: str | None = field(
        default=None, metadata=_told(str, "the only bearer key that is let in")
    )
    batch_delay_s: float = field(default=1.0, metadata=_told(float, "seconds a batch takes"))
    batch_line_s: float = field(
        default=0.0, metadata=_told(float, "further seconds that each line of a batch takes")
    )
    batch_expires_after: int | None = field(
        default=None, metadata=_told(int, "lines of a batch answered before its time is over")
    )
    batch_refusal: tuple[str, ...] = field(
        default=(),
        metadata=_told(
            str, "an error code with which one batch fails its validation", repeated=True
        ),
    )
    batch_lost_creations: int = field(
        default=0, metadata=_told(int, "batches that are begun but whose creation answers 504")
    )
    log: Path | None = field(
        default=None, metadata=_told(Path, "file that gets one JSON line per arrival")
    )
    reply_log: Path | None = field(
        default=None, metadata=_told(Path, "file that gets one JSON line per reply sent")
    )


def _add_argument(parser: argparse.ArgumentParser, option: Field[Any]) -> None:
    flag = "--" + option.name.replace("_", "-")
    parse, help_text = option.metadata["parse"], option.metadata["help"]
    if parse is bool:
        parser.add_argument(flag, action="store_true", help=help_text)
    elif option.metadata.get("repeated"):
        parser.add_argument(flag, action="append", type=parse, default=[], help=help_text)
    else:
        parser.add_argument(flag, type=parse, default=_default(option), help=help_text)


def parse_settings(arguments: Sequence[str]) -> Settings:
    """Settings from command line words; wrong usage ends the process with status 2."""
    parser = argparse.ArgumentParser(
        prog="python -m app.demo_teacher",
        description="An OpenAI-compatible server with scripted behaviour.",
    )
    for option in fields(Settings):
        _add_argument(parser, option)
    values: dict[str, Any] = vars(parser.parse_args(arguments))
    return Settings(**{name: _frozen(value) for name, value in values.items()})


def _default(option: Field[Any]) -> Any:
    return option.default if option.default is not MISSING else FaultPlan()


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
