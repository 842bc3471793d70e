"""Filters and evaluation sets on the command line: `--filter NAME=on` or `NAME.SETTING=VALUE`."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from typer import Option

from app.cli.method_options import read_options
from app.cli.names import evaluation_set_id
from app.domain.filter import Action
from app.domain.options import OptionField
from app.errors import InvalidInput, Problem
from app.runtime import Runtime
from app.use_cases import filters

FilterPairs = Annotated[
    list[str] | None,
    Option(
        "--filter",
        metavar="NAME=WHAT",
        help="on, off, drop or flag; or NAME.SETTING=VALUE; may be repeated",
    ),
]
On = Annotated[list[str] | None, Option(metavar="NAME", help="switch a filter on; may be repeated")]
Off = Annotated[
    list[str] | None, Option(metavar="NAME", help="switch a filter off; may be repeated")
]
EvaluationSets = Annotated[
    list[str] | None,
    Option("--evaluation-set", help="hold rows against this set, by id or name; may be repeated"),
]
NGram = Annotated[
    int,
    Option(min=0, max=50, help="words of a run shared with an item; 0: no such rule"),
]
RougeL = Annotated[
    float, Option(min=0, max=1, help="ROUGE-L F of the tasks, above; 0: no such rule")
]
Contaminated = Annotated[
    Action, Option(help="what becomes of rows that overlap with an evaluation set")
]
_WORDS: Mapping[str, object] = {"on": True, "off": False, "drop": "drop", "flag": "flag"}


def read_filters(
    pairs: Sequence[str] | None,
    on: Sequence[str] | None = None,
    off: Sequence[str] | None = None,
) -> Mapping[str, object]:
    """What is said about each filter; raises InvalidInput for a word that cannot be read.

    Names and settings are judged by whoever takes them.
    """
    fields = {each.name: each.settings for each in filters.all_filters()}
    chosen: dict[str, object] = {name: True for name in on or ()}
    chosen |= {name: False for name in off or ()}
    for pair in pairs or ():
        key, separator, value = pair.partition("=")
        name, dot, setting = key.strip().replace("-", "_").partition(".")
        if not separator or not name:
            raise _unreadable(pair, "is not NAME=WHAT")
        if dot:
            known = fields.get(name, ())
            chosen[name] = {**_settings(chosen.get(name)), **_setting(setting, value, known)}
        elif value not in _WORDS:
            raise _unreadable(pair, "must say on, off, drop or flag")
        else:
            chosen[name] = _with_action(chosen.get(name), _WORDS[value])
    return chosen


def _setting(name: str, value: str, fields: Sequence[OptionField]) -> Mapping[str, object]:
    return read_options([f"{name}={value}"], fields)


def _settings(said: object) -> Mapping[str, object]:
    if isinstance(said, dict):
        return said
    return {"action": said} if isinstance(said, str) else {}


def _with_action(said: object, word: object) -> object:
    if isinstance(said, dict) and word is not False:
        return said if word is True else {**said, "action": word}
    return word


def _unreadable(pair: str, what: str) -> InvalidInput:
    problem = Problem("/filter", "wrong_type", f"{pair!r} {what}")
    return InvalidInput("A filter cannot be read.", problems=[problem])


def read_decontamination(
    runtime: Runtime,
    sets: Sequence[str] | None,
    ngram: int,
    rouge_l: float,
    action: Action,
) -> Mapping[str, object] | None:
    """What rows are held against, None without a set; raises NotFound for a name."""
    if not sets:
        return None
    ids: list[UUID] = [evaluation_set_id(runtime, each) for each in sets]
    return {
        "evaluation_set_ids": ids,
        "ngram": ngram or None,
        "rouge_l": rouge_l or None,
        "action": str(action),
    }
