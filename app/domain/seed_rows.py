"""A seed from one JSON object of an uploaded file, or everything that is wrong with it.

Four layouts are read: the 175 seed tasks of Self-Instruct (Wang et al. 2023,
https://arxiv.org/abs/2212.10560), flat rows, rows that hold an instruction alone, and images told
of by captions and boxes.
"""

from collections.abc import Mapping
from typing import cast

from app.domain.records import Seed, SeedInstance
from app.errors import Problem

MAX_FIELD_CHARS = 32_768


def parse_seed(
    row: Mapping[str, object], *, max_field_chars: int = MAX_FIELD_CHARS
) -> tuple[Seed | None, tuple[Problem, ...]]:
    """The seed, its texts exactly as given, or every problem at once; unknown keys are ignored.

    `instances` is a list of `{"input", "output"}`; a row without it may carry `input` and
    `output` itself. `id` (text or integer), `name` and `is_classification` may be null. A row
    without instruction may be an `image`; its captions and boxes become the instruction, and its
    reference the name.
    """
    reading = _Reading(max_field_chars)
    is_image = "instruction" not in row and "image" in row
    instruction = reading.image(row) if is_image else reading.instruction(row)
    flat = reading.flat_instances(row)
    seed = Seed(
        instruction=instruction,
        instances=reading.instances(row) or flat,
        is_classification=reading.flag(row, "is_classification"),
        name=reading.label(row, "image" if is_image else "name"),
        external_id=reading.label(row, "id", integers=True),
    )
    return (None if reading.problems else seed), tuple(reading.problems)


class _Reading:
    """Reads one row and gathers what is wrong on the way."""

    def __init__(self, max_field_chars: int) -> None:
        self.max_field_chars = max_field_chars
        self.problems: list[Problem] = []

    def instruction(self, row: Mapping[str, object]) -> str:
        if "instruction" not in row:
            self._add("/instruction", "missing_field", _missing_instruction(row))
            return ""
        text = self._text(row["instruction"], "/instruction")
        if text is not None and _blank(text):
            self._add("/instruction", "blank", "the instruction is empty")
        return text or ""

    def image(self, row: Mapping[str, object]) -> str:
        """What is told of an image: its captions, then every object with its box, line by line."""
        if row["image"] is None or row["image"] == "":
            self._add("/image", "blank", "the reference to the image is empty")
        captions = self._listed(row, "captions")
        lines = [self._text(each, f"/captions/{at}") or "" for at, each in enumerate(captions)]
        boxes = self._listed(row, "boxes")
        lines += [self._box(each, f"/boxes/{at}") for at, each in enumerate(boxes)]
        text = "\n".join(line.strip() for line in lines if line.strip())
        if not text and not self.problems:
            self._add("/captions", "blank", "an image needs captions or boxes that tell of it")
        return text

    def _listed(self, row: Mapping[str, object], key: str) -> list[object]:
        value = row.get(key, [])
        if isinstance(value, list):
            return cast("list[object]", value)
        self._wrong(f"/{key}", "a list", value)
        return []

    def _box(self, item: object, pointer: str) -> str:
        empty: dict[str, object] = {}
        fields = cast("dict[str, object]", item) if isinstance(item, dict) else empty
        label, edges = fields.get("label"), fields.get("box")
        numbers: list[object] = cast("list[object]", edges) if isinstance(edges, list) else []
        sound = all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
        if not isinstance(label, str) or len(numbers) != 4 or not sound:
            wanted = "an object with a label and a box of four numbers"
            self._wrong(pointer, wanted, cast("object", item))
            return ""
        return f"{label}: [{', '.join(f'{n:g}' for n in numbers)}]"

    def flat_instances(self, row: Mapping[str, object]) -> tuple[SeedInstance, ...]:
        given = self._text(row.get("input", ""), "/input") or ""
        output = self._text(row.get("output", ""), "/output") or ""
        if not given.strip() and not output.strip():
            return ()
        return (SeedInstance(given, output),)

    def instances(self, row: Mapping[str, object]) -> tuple[SeedInstance, ...]:
        listed = row.get("instances", [])
        if not isinstance(listed, list):
            self._wrong("/instances", "a list of objects", listed)
            return ()
        items = cast("list[object]", listed)
        return tuple(self._instance(item, f"/instances/{at}") for at, item in enumerate(items))

    def _instance(self, item: object, pointer: str) -> SeedInstance:
        if not isinstance(item, dict):
            self._wrong(pointer, "an object with input and output", item)
            return SeedInstance("", "")
        fields = cast("dict[str, object]", item)
        if "output" not in fields:
            self._add(f"{pointer}/output", "missing_field", "each instance needs an output")
        given = self._text(fields.get("input", ""), f"{pointer}/input")
        output = self._text(fields.get("output", ""), f"{pointer}/output")
        return SeedInstance(given or "", output or "")

    def label(self, row: Mapping[str, object], key: str, *, integers: bool = False) -> str | None:
        value = row.get(key)
        if integers and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return None if value is None else self._text(value, f"/{key}")

    def flag(self, row: Mapping[str, object], key: str) -> bool | None:
        value = row.get(key)
        if value is None or isinstance(value, bool):
            return value
        self._wrong(f"/{key}", "true or false", value)
        return None

    def _text(self, value: object, pointer: str) -> str | None:
        if not isinstance(value, str):
            self._wrong(pointer, "text in double quotes", value)
            return None
        if len(value) > self.max_field_chars:
            detail = f"{len(value):,} characters; the limit is {self.max_field_chars:,}"
            self._add(pointer, "too_long", detail)
        return value

    def _wrong(self, pointer: str, wanted: str, value: object) -> None:
        self._add(pointer, "wrong_type", f"must be {wanted}, not {_kind(value)}")

    def _add(self, pointer: str, code: str, detail: str) -> None:
        self.problems.append(Problem(pointer, code, detail))


def _missing_instruction(row: Mapping[str, object]) -> str:
    near = next((key for key in row if key.strip().lower() == "instruction"), None)
    if near is not None:
        return f"there is no key instruction; {near!r} must be written exactly so"
    return "every row needs an instruction"


def _blank(text: str) -> bool:
    """Whether nothing of the text can be seen: spaces, zero-width characters, nothing at all."""
    return not any(char.isprintable() and not char.isspace() for char in text)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"
