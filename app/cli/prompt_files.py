"""A user's own prompt texts on the command line: `--prompt STEP=FILE`, a text file for each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from typer import Option

from app.domain.prompts.own_texts import MOST_CHARACTERS
from app.errors import InvalidInput, Problem

PromptFiles = Annotated[
    list[str] | None,
    Option(
        "--prompt",
        metavar="STEP=FILE",
        help="a prompt text of your own; may be repeated; see `cultivar methods prompt`",
    ),
]
_MOST_BYTES = 4 * MOST_CHARACTERS


def read_prompts(pairs: Sequence[str]) -> Mapping[str, str]:
    """The texts by name, without the line end that closes a file; raises InvalidInput.

    What a text may hold is judged with the job.
    """
    texts: dict[str, str] = {}
    for pair in pairs:
        name, separator, path = pair.partition("=")
        if not separator or not name or not path:
            raise _refused("/prompts", f"{pair!r} is not STEP=FILE")
        if name in texts:
            raise _refused(f"/prompts/{name}", "is given twice")
        texts[name] = _read(name, Path(path))
    return texts


def _read(name: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
        if len(raw) > _MOST_BYTES:
            raise _refused(f"/prompts/{name}", f"{path} has more than {_MOST_BYTES:,} bytes")
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8 text" if isinstance(error, ValueError) else error.strerror
        raise _refused(f"/prompts/{name}", f"{path} cannot be read: {why}") from None
    return text.replace("\r\n", "\n").removesuffix("\n")


def _refused(pointer: str, detail: str) -> InvalidInput:
    problem = Problem(pointer, "wrong_type", detail)
    return InvalidInput("A prompt text cannot be used.", problems=[problem])
