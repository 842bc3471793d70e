"""What the service hands to the trainer: rows of prompt and completion, and a manifest of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from app.errors import InvalidInput, Problem

SCHEMA = 1
EOS = "append"  # completions carry no end mark; the trainer puts its tokenizer's behind them
ROLES = ("system", "user", "assistant", "tool")
CONFIG, DATA, MANIFEST = "config.json", "data.jsonl", "manifest.json"


class Layout(StrEnum):
    """How prompts and completions are written."""

    TEXT = "text"
    MESSAGES = "messages"


class Split(StrEnum):
    """What a row is for."""

    TRAIN = "train"
    HELD_OUT = "held_out"
    SEEDS = "seeds"  # tasks by people that no teacher was shown; the model is measured by them


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a prompt or completion."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class HandoffRow:
    """One row; both texts have the layout of the manifest. `classification`: a label is asked."""

    prompt: str | tuple[Turn, ...]
    completion: str | tuple[Turn, ...]
    id: str
    split: Split
    classification: bool = False


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is said of the data file: `sha256` is of its bytes, `source` tells where it is from."""

    rows: int
    sha256: str
    layout: Layout
    licence: str
    simulated: bool
    source: Mapping[str, object] = field(default_factory=dict[str, object])

    def as_json(self) -> Mapping[str, object]:
        """The members of manifest.json."""
        return {
            "schema": SCHEMA,
            "rows": self.rows,
            "sha256": self.sha256,
            "layout": str(self.layout),
            "eos": EOS,
            "licence": self.licence,
            "simulated": self.simulated,
            "source": dict(self.source),
        }


def read_manifest(given: object) -> Manifest:
    """The manifest; raises InvalidInput for another schema, and for what is missing or unknown."""
    members = _object(given)
    if members.get("schema") != SCHEMA:
        detail = f"schema {members.get('schema')!r} is not known; this trainer knows {SCHEMA}"
        raise _refused([Problem("/schema", "unknown_schema", detail)])
    problems = [_problem(name, members[name]) for name in members if name not in _WANTED]
    for name, wanted in _WANTED.items():
        if name not in members and name != "source":
            problems.append(Problem(f"/{name}", "missing_field", f"there is no {name}"))
        elif name in members and not _fits(members[name], wanted):
            problems.append(Problem(f"/{name}", "wrong_type", f"must be {_told(wanted)}"))
    if problems:
        raise _refused(problems)
    return Manifest(
        rows=cast(int, members["rows"]),
        sha256=cast(str, members["sha256"]),
        layout=Layout(cast(str, members["layout"])),
        licence=cast(str, members["licence"]),
        simulated=cast(bool, members["simulated"]),
        source=cast("Mapping[str, object]", members.get("source", {})),
    )


def read_row(fields: Mapping[str, object], layout: Layout) -> HandoffRow:
    """One line of the data file; raises InvalidInput that says what is wrong with it."""
    row_id, split = fields.get("id"), fields.get("split")
    if not isinstance(row_id, str) or not row_id:
        raise _refused([Problem("/id", "wrong_type", "id must be text")])
    if split not in tuple(Split):
        detail = f"split must be one of {', '.join(Split)}, not {split!r}"
        raise _refused([Problem("/split", "wrong_type", detail)])
    return HandoffRow(
        prompt=_part(fields, "prompt", layout),
        completion=_part(fields, "completion", layout),
        id=row_id,
        split=Split(cast(str, split)),
        classification=fields.get("is_classification") is True,
    )


_WANTED: Mapping[str, type | tuple[str, ...]] = {
    "schema": int,
    "rows": int,
    "sha256": str,
    "layout": tuple(Layout),
    "eos": (EOS,),
    "licence": str,
    "simulated": bool,
    "source": dict,
}


def _object(given: object) -> Mapping[str, object]:
    if not isinstance(given, dict):
        raise _refused([Problem("", "not_an_object", "the manifest must be a JSON object")])
    return cast("Mapping[str, object]", given)


def _problem(name: str, value: object) -> Problem:
    return Problem(f"/{name}", "unknown_field", f"schema {SCHEMA} has no {name} ({value!r})")


def _fits(value: object, wanted: type | tuple[str, ...]) -> bool:
    if isinstance(wanted, tuple):
        return value in wanted
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _told(wanted: type | tuple[str, ...]) -> str:
    if isinstance(wanted, tuple):
        return "one of " + ", ".join(wanted)
    return {int: "an integer", str: "text", bool: "true or false"}.get(wanted, "an object")


def _part(fields: Mapping[str, object], name: str, layout: Layout) -> str | tuple[Turn, ...]:
    value = fields.get(name)
    if layout is Layout.TEXT and isinstance(value, str):
        return value
    if layout is Layout.MESSAGES and isinstance(value, list) and value:
        return tuple(_turn(each, name) for each in cast("Sequence[object]", value))
    wanted = "text" if layout is Layout.TEXT else "a list of messages"
    raise _refused([Problem(f"/{name}", "wrong_type", f"{name} must be {wanted}")])


def _turn(given: object, name: str) -> Turn:
    members = cast("Mapping[str, object]", given if isinstance(given, dict) else {})
    role, content = members.get("role"), members.get("content")
    if role not in ROLES or not isinstance(content, str):
        detail = f"each message of {name} needs a role ({', '.join(ROLES)}) and a content"
        raise _refused([Problem(f"/{name}", "wrong_type", detail)])
    return Turn(cast(str, role), content)


def _refused(problems: Sequence[Problem]) -> InvalidInput:
    return InvalidInput("The handoff cannot be used.", problems=problems, code="bad_handoff")
