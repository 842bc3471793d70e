"""Two files of recorded answers judged by a teacher; what is paid is kept in a third."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from app.domain.language import Language
from app.domain.preferences import Pair
from app.errors import InvalidInput
from app.files.checked_rows import CheckedRows, text_field
from app.files.row_files import open_rows
from app.llm.client import Door
from app.llm.guard import Guard
from app.llm.limits import LocalLimits
from app.llm.teacher import Outcome
from app.use_cases.comparing import Caps, Company, Compared, Judge, judge_pairs

_LINE_BEGINS = b'{"key":'


@dataclass(frozen=True, slots=True)
class CompareWish:
    """Two files of predictions, where judgements are kept, and what may be spent on them.

    Without a guard the judge may be at public addresses and on this machine.
    """

    first: Path
    second: Path
    record: Path
    cap_micro_usd: int | None = None
    cap_calls: int | None = None
    language: Language = Language.ENGLISH
    guard: Guard | None = None


def compare(wish: CompareWish, teacher: Judge, told: Callable[[int, int], None]) -> Compared:
    """Ask the teacher about every pair in both orders, as far as the caps allow.

    What the record holds is not asked again, also when a call before was interrupted. Raises
    InvalidUpload for bad rows, InvalidInput where the files have no common prompt or a price is
    missing, and TeacherFailure where the teacher turns us away.
    """
    pairs = read_pairs(wish.first, wish.second)
    caps = Caps(wish.cap_calls, wish.cap_micro_usd)
    with closing(JudgementFile(wish.record)) as kept:
        return judge_pairs(
            pairs,
            teacher,
            kept,
            caps,
            door=Door(LocalLimits(), wish.guard),
            language=wish.language,
            company=Company(told=told),
        )


def read_pairs(first: Path, second: Path) -> Sequence[Pair]:
    """Rows of both files with the same `id`, or else the same prompt."""
    ours, theirs = _read(first), _read(second)
    common = [key for key in ours if key in theirs]
    if not common:
        raise InvalidInput(f"{first} and {second} answer no common prompt.")
    return [Pair(key, ours[key][0], ours[key][1], theirs[key][1]) for key in common]


def _read(source: Path) -> Mapping[str, tuple[str, str]]:
    with open_rows(source) as file:
        rows = CheckedRows(file, _answer)
        found = {key: (prompt, response) for _, (key, prompt, response) in rows}
        rows.done()
    return found


def _answer(fields: Mapping[str, object]) -> tuple[str, str, str]:
    prompt, response = text_field(fields, "prompt"), text_field(fields, "response")
    given = fields.get("id")
    return (given if isinstance(given, str) else prompt), prompt, response


class JudgementFile:
    """A file of judgements, one line for each call that was or may have been paid."""

    def __init__(self, path: Path) -> None:
        self.texts: dict[str, str | None] = {}
        self.calls, self.spent_micro_usd = 0, 0
        self._aside: dict[str, int] = {}
        whole = self._learn(path) if path.exists() else 0
        self._file: BinaryIO = path.open("ab")
        self._file.truncate(whole)

    def _learn(self, path: Path) -> int:
        """Read what is known; how many bytes of it are whole lines, for a kill may tear the last.

        Raises InvalidInput for a file of something else, which stays as it is.
        """
        whole = 0
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n") and line.startswith(_LINE_BEGINS):
                break
            try:
                members: Mapping[str, Any] = orjson.loads(line)
                self.texts[members["key"]] = members["text"]
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidInput(f"{path} holds no judgements; name another --out.") from error
            whole += len(line)
        return whole

    def begin(self, key: str, aside: int) -> None:
        """Count it; the file tells only of what came."""
        self.calls += 1
        self.spent_micro_usd += aside
        self._aside[key] = aside

    def withdraw(self, key: str) -> None:
        """Give the money back; the call counts."""
        self.spent_micro_usd -= self._aside.pop(key)

    def keep(self, key: str, text: str | None, outcome: Outcome, cost: int) -> None:
        """Add a line; it is on the disk when this returns."""
        members = {"key": key, "text": text, "outcome": outcome, "micro_usd": cost}
        self._file.write(orjson.dumps(members, option=orjson.OPT_APPEND_NEWLINE))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.spent_micro_usd += cost - self._aside.pop(key)
        self.texts[key] = text

    def close(self) -> None:
        """Close the file."""
        self._file.close()
