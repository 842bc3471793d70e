"""A file of rows as the folder that the trainer takes."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from app.domain.formats.prompt_completion import PromptCompletion
from app.domain.handoff import Layout, Manifest, Split
from app.domain.records import Row
from app.errors import InvalidInput, Problem
from app.files.checked_rows import BadField, CheckedRows, Report, optional_text, text_field
from app.files.file_row import FileRow
from app.files.handoff_folder import claim_folder, write_data, write_manifest
from app.files.row_files import open_rows

_SPEAKERS = {"human": "user", "gpt": "assistant", "system": "system", "user": "user"}
_HASH_RANGE = 2**32
Line = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the file does not tell: its licence, and the part of its rows to hold out, in [0, 1).

    `exported` is the export's manifest where it does not lie beside the file; `seeds` is a file of
    tasks by people that no teacher was shown, which the model is measured by.
    """

    licence: str | None = None
    held_out: float = 0.05
    exported: Line | None = None
    seeds: Path | None = None


def hand_over(
    source: Path,
    folder: Path,
    settings: Mapping[str, object],
    wishes: Wishes | None = None,
    report: Report | None = None,
) -> Manifest:
    """Write the handoff folder of a file of rows, in any layout that exports have.

    Rows without a `split` are held out by a hash of their prompt, so equal prompts stay together.
    What stands in `FILE.manifest.json` (licence, simulated, provenance) goes along. Raises
    InvalidUpload that names every bad row, and InvalidInput for the rest.
    """
    wanted = wishes or Wishes()
    exported = _export_manifest(source) if wanted.exported is None else wanted.exported
    claim_folder(folder)
    layouts: set[Layout] = set()
    count, digest = write_data(folder, _lines(source, wanted, layouts, report))
    if not count:
        raise InvalidInput(f"{source} holds no rows, so there is nothing to train on.")
    manifest = Manifest(
        rows=count,
        sha256=digest,
        layout=layouts.pop(),
        licence=wanted.licence or _licence(exported),
        simulated=bool(exported.get("simulated", False)),
        source={"file": source.name, "sha256": _sha256(source), "export": dict(exported)},
    )
    write_manifest(folder, manifest, settings)
    return manifest


def _lines(
    source: Path, wanted: Wishes, layouts: set[Layout], report: Report | None
) -> Iterator[Line]:
    with open_rows(source) as file:
        checked = CheckedRows(file, partial(_parts, layouts=layouts), report)
        for row, parts in checked:
            for number, (prompt, completion) in enumerate(parts):
                split = _split(row.fields, prompt, wanted.held_out)
                yield _line(row, _id(row, number), split, prompt, completion)
        checked.done()
    if wanted.seeds is not None and layouts:
        yield from seed_lines(wanted.seeds, next(iter(layouts)))


def _line(row: FileRow, row_id: str, split: str, prompt: object, completion: object) -> Line:
    line = {"prompt": prompt, "completion": completion, "id": row_id, "split": split}
    return line | ({"is_classification": True} if row.fields.get("is_classification") else {})


def seed_lines(source: Path, layout: Layout, split: Split = Split.SEEDS) -> Iterator[Line]:
    """Tasks of people in a given layout, as lines of a data file; raises InvalidUpload."""
    with open_rows(source) as file:
        checked = CheckedRows(file, partial(_seed_parts, layout=layout))
        for row, parts in checked:
            for number, (prompt, completion) in enumerate(parts):
                yield _line(row, f"seed-{_id(row, number)}", split, prompt, completion)
        checked.done()


def _seed_parts(fields: Line, layout: Layout) -> list[tuple[object, object]]:
    """A seed task with its instances, or a row in any other layout that rows may have."""
    given = fields.get("instances")
    if not isinstance(given, list):
        given = [fields] if "instruction" in fields else None
    if given is None:
        found = _recognised(fields)
        if isinstance(found[0][0], str) != (layout is Layout.TEXT):
            raise BadField(Problem("", "mixed_layouts", "the rows have another layout"))
        return found
    instruction, instances = text_field(fields, "instruction"), cast("list[object]", given)
    found = [_instance(instruction, each) for each in instances]
    return [_alpaca(*each) if layout is Layout.TEXT else _asked(*each) for each in found]


def _instance(instruction: str, given: object) -> tuple[str, str, str]:
    members = cast(Line, given if isinstance(given, dict) else {})
    return instruction, optional_text(members, "input") or "", text_field(members, "output")


def _asked(instruction: str, given: str, output: str) -> tuple[object, object]:
    """A task and its answer as one message each."""
    content = f"{instruction}\n\n{given}" if given else instruction
    return [{"role": "user", "content": content}], [{"role": "assistant", "content": output}]


def _alpaca(instruction: str, given: str, output: str) -> tuple[object, object]:
    """A task and its answer in Alpaca's blocks."""
    row = Row(id="", instruction=instruction, input=given, output=output)
    line = PromptCompletion().line(row)
    return line["prompt"], line["completion"]


def _parts(fields: Line, layouts: set[Layout]) -> list[tuple[object, object]]:
    """Prompt and completion of a row; a dialogue gives one pair for each answer in it."""
    found = _recognised(fields)
    layouts.add(Layout.TEXT if isinstance(found[0][0], str) else Layout.MESSAGES)
    if len(layouts) > 1:
        raise BadField(Problem("", "mixed_layouts", "rows before it have another layout"))
    if fields.get("split", Split.TRAIN) not in tuple(Split):
        raise BadField(Problem("/split", "wrong_type", f"must be one of {', '.join(Split)}"))
    return found


def _recognised(fields: Line) -> list[tuple[object, object]]:
    if isinstance(fields.get("messages"), list):
        return _answers(_messages(fields, "messages", "role", "content"))
    if isinstance(fields.get("conversations"), list):
        return _answers(_messages(fields, "conversations", "from", "value"))
    if isinstance(fields.get("prompt"), list):
        prompt = _messages(fields, "prompt", "role", "content")
        return [(prompt, _messages(fields, "completion", "role", "content"))]
    if "prompt" in fields or "completion" in fields:
        return [(text_field(fields, "prompt"), text_field(fields, "completion"))]
    instruction = text_field(fields, "instruction")
    given = optional_text(fields, "input") or ""
    return [_alpaca(instruction, given, text_field(fields, "output"))]


def _messages(fields: Line, name: str, role: str, content: str) -> list[Mapping[str, str]]:
    found: list[Mapping[str, str]] = []
    given = fields.get(name)
    for each in cast("list[object]", given) if isinstance(given, list) else []:
        members = cast(Line, each if isinstance(each, dict) else {})
        speaker = text_field(members, role)
        found.append(
            {"role": _SPEAKERS.get(speaker, speaker), "content": text_field(members, content)}
        )
    if not found:
        raise BadField(Problem(f"/{name}", "wrong_type", f"{name} must be a list of messages"))
    return found


def _answers(messages: list[Mapping[str, str]]) -> list[tuple[object, object]]:
    places = [n for n, each in enumerate(messages) if each["role"] == "assistant" and n > 0]
    if not places:
        raise BadField(Problem("/messages", "missing_field", "nobody answers in this dialogue"))
    return [(messages[:place], messages[place : place + 1]) for place in places]


def _id(row: FileRow, number: int) -> str:
    given = row.fields.get("id")
    own = str(given) if isinstance(given, str | int) and str(given) else str(row.number)
    return f"{own}#{number + 1}" if number else own


def _split(fields: Line, prompt: object, held_out: float) -> str:
    given = fields.get("split")
    if isinstance(given, str):
        return given
    first = prompt if isinstance(prompt, str) else json.dumps(cast("list[object]", prompt)[:1])
    drawn = int.from_bytes(hashlib.sha256(first.encode()).digest()[:4])
    return Split.HELD_OUT if drawn < held_out * _HASH_RANGE else Split.TRAIN


def _export_manifest(source: Path) -> Line:
    """What an export says of itself in the file beside it; nothing where there is none."""
    beside = source.with_name(f"{source.name}.manifest.json")
    if not beside.is_file():
        return {}
    try:
        found: object = json.loads(beside.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InvalidInput(f"{beside} cannot be read: {error}") from error
    members = cast(Line, found if isinstance(found, dict) else {})
    if members.get("sha256", _sha256(source)) != _sha256(source):
        raise InvalidInput(
            f"{source} is not the file that {beside.name} speaks of: the sha256 differs. "
            "Export it again, or remove that manifest."
        )
    return members


def _licence(exported: Line) -> str:
    told = exported.get("licence")
    if isinstance(told, str) and told:
        return told
    seeds = exported.get("seed_set")
    found = cast(Line, seeds).get("licence") if isinstance(seeds, dict) else None
    return f"seeds: {found}" if isinstance(found, str) and found else "not stated"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
