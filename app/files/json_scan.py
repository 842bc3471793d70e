"""A careful reader of one JSON text that names its first fault, for lines a fast parser refuses.

It also finds what fast parsers let pass: repeated keys, control characters, numbers out of range.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import NoReturn

from app.files.excerpt import visible

_SPACE = re.compile(r"[ \t\r\n]*")
_HARMLESS = re.compile(r'[^"\\\x00-\x1f]*+(?:\\["\\/nrt][^"\\\x00-\x1f]*+)*+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"-?(?:NaN|Infinity)\b")
_SMALL_ITEMS = re.compile(
    r"(?:[ \t\r\n]*+(?:-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?|true|false|null)[ \t\r\n]*+,)++"
)
_WORD = re.compile(r"true|false|null")
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_INTEGER_LIMIT = 2**63
_INTEGER_DIGITS = 19
_POINTER_CHARS = 200
_SPACE_ESCAPES = {"\t": ("a tab", "\\t"), "\r": ("a carriage return", "\\r")}


@dataclass(frozen=True, slots=True)
class ScanFault:
    """The first fault of a text: `column` in characters from 1; `pointer` to the value it is in.

    A text that is no JSON has no pointers; `unfinished` says that it is a proper beginning of
    JSON, cut between two tokens.
    """

    code: str
    detail: str
    column: int
    pointer: str
    unfinished: bool = False


def scan_json(text: str, *, max_depth: int, max_keys: int) -> ScanFault | None:
    """The first fault of one JSON text, or None; never raises, whatever the text.

    Where the text is no JSON at all, that is the fault, even if a lesser one stands before it.
    """
    scanner = _Scanner(text, max_depth, max_keys)
    try:
        scanner.document()
    except _Broken as broken:
        return broken.fault
    return scanner.lesser


def pointer_token(key: str) -> str:
    """A key as one step of a JSON pointer (RFC 6901)."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


class _Broken(Exception):
    def __init__(self, fault: ScanFault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


class _Scanner:
    def __init__(self, text: str, max_depth: int, max_keys: int) -> None:
        self.text = text
        self.at = 0
        self.path: list[str] = []
        self.lesser: ScanFault | None = None
        self.max_depth = max_depth
        self.max_keys = max_keys

    def document(self) -> None:
        self._value(0)
        self._space()
        if self.at < len(self.text):
            self._syntax("expected the end of the line after the value")

    def _value(self, depth: int) -> None:
        self._space()
        char = self.text[self.at : self.at + 1]
        if char == '"':
            self._string()
        elif char == "{":
            self._nested(depth)
            self._object(depth + 1)
        elif char == "[":
            self._nested(depth)
            self._array(depth + 1)
        elif not self._matched(_WORD):
            self._number()

    def _nested(self, depth: int) -> None:
        if depth >= self.max_depth:
            self._broken("too_deep", f"nested deeper than {self.max_depth} levels", self.at)
        self.at += 1

    def _object(self, depth: int) -> None:
        columns: dict[str, int] = {}
        if self._closes("}"):
            return
        while True:
            self._key(columns)
            self._expect(":")
            self._value(depth)
            self.path.pop()
            if self._closes("}"):
                return
            self._expect(",", "expected ',' or '}'")

    def _key(self, columns: dict[str, int]) -> None:
        self._space()
        if self.text[self.at : self.at + 1] != '"':
            self._syntax("expected a key in double quotes")
        start = self.at
        key = self._string()
        if len(columns) == self.max_keys and key not in columns:
            self._lesser("too_many_keys", f"more than {self.max_keys} keys in one object", start)
        self.path.append(pointer_token(key))
        if key in columns:
            where = f"columns {columns[key]} and {start + 1}"
            detail = f'"{visible(key[:40])}" is given twice, at {where}; keep one'
            self._lesser("duplicate_key", detail, start)
        columns.setdefault(key, start + 1)

    def _array(self, depth: int) -> None:
        if self._closes("]"):
            return
        position = 0
        while True:
            # Long lists of plain numbers go in one step, or a hostile line would take seconds.
            start = self.at
            if self._matched(_SMALL_ITEMS):
                position += self.text.count(",", start, self.at)
            self.path.append(f"/{position}")
            self._value(depth)
            self.path.pop()
            position += 1
            if self._closes("]"):
                return
            self._expect(",", "expected ',' or ']'")

    def _string(self) -> str:
        start = self.at
        self.at += 1
        while True:
            self._matched(_HARMLESS)
            char = self.text[self.at : self.at + 1]
            if char == '"':
                self.at += 1
                token = self.text[start : self.at]
                return json.loads(token, strict=False) if "\\" in token else token[1:-1]
            if char == "\\":
                self._escape()
            else:
                self._raw_control(char, start)

    def _raw_control(self, char: str, start: int) -> None:
        if not char:
            self._broken("json_syntax", "the text that starts here has no closing quote", start)
        if char in _SPACE_ESCAPES:
            name, written = _SPACE_ESCAPES[char]
            self._syntax(f"{name} inside a text must be written {written}")
        self._control(ord(char), self.at)
        self.at += 1

    def _control(self, code: int, position: int) -> None:
        self._lesser("control_character", f"U+{code:04X} is not allowed", position)

    def _escape(self) -> None:
        start = self.at
        kind = self.text[start + 1 : start + 2]
        if kind == "u":
            self._unicode_escape(start)
        elif kind and kind in "bf":
            self._control(8 if kind == "b" else 12, start)
            self.at += 2
        else:
            shown = f"\\{kind}" if kind.isprintable() else "a backslash before this character"
            self._syntax(f"{shown} is not an escape of JSON; a plain backslash is written \\\\")

    def _unicode_escape(self, start: int) -> None:
        code = self._code_unit(start)
        self.at = start + 6
        if code < 0x20 and code not in (9, 10, 13):
            self._control(code, start)
        if not 0xD800 <= code <= 0xDFFF:
            return
        paired = code < 0xDC00 and self.text.startswith("\\u", self.at)
        if paired and 0xDC00 <= self._code_unit(self.at) <= 0xDFFF:
            self.at += 6
            return
        detail = f"\\u{code:04x} is half of a surrogate pair without the other half"
        self._lesser("lone_surrogate", detail, start)

    def _code_unit(self, start: int) -> int:
        digits = _HEX.match(self.text, start + 2)
        if digits is None:
            self._broken("json_syntax", "\\u must be followed by four hexadecimal digits", start)
        return int(digits[0], 16)

    def _number(self) -> None:
        start = self.at
        if self._matched(_NOT_A_NUMBER):
            detail = "NaN and Infinity are not numbers of JSON"
            self._lesser("number_out_of_range", detail, start)
            return
        found = _NUMBER.match(self.text, start)
        if found is None:
            self._unexpected()
        self.at = found.end()
        if found[1] is None and found[2] is None:
            digits = found[0].lstrip("-")
            fits = len(digits) <= _INTEGER_DIGITS and _fits(int(found[0]))
        else:
            fits = math.isfinite(float(found[0]))
        if not fits:
            detail = "the number is too large; integers have 64 bits, others are finite"
            self._lesser("number_out_of_range", detail, start)

    def _unexpected(self) -> NoReturn:
        char = self.text[self.at : self.at + 1]
        if char and char < " ":
            self._broken("control_character", f"U+{ord(char):04X} is not allowed", self.at)
        if char == "'":
            self._syntax("expected a value; JSON texts stand in double quotes")
        self._syntax("expected a value")

    def _closes(self, bracket: str) -> bool:
        self._space()
        if self.text.startswith(bracket, self.at):
            self.at += 1
            return True
        return False

    def _expect(self, char: str, message: str | None = None) -> None:
        self._space()
        if not self.text.startswith(char, self.at):
            self._syntax(message or f"expected {char!r}")
        self.at += 1

    def _space(self) -> None:
        self._matched(_SPACE)

    def _matched(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.at)
        if found is None:
            return False
        self.at = found.end()
        return True

    def _syntax(self, detail: str) -> NoReturn:
        if self.at < len(self.text):
            self._broken("json_syntax", detail, self.at)
        self._broken("json_syntax", f"{detail}, but the line ends here", self.at, unfinished=True)

    def _broken(
        self, code: str, detail: str, position: int, *, unfinished: bool = False
    ) -> NoReturn:
        pointer = "" if code == "json_syntax" else self._pointer()
        raise _Broken(ScanFault(code, detail, position + 1, pointer, unfinished))

    def _lesser(self, code: str, detail: str, position: int) -> None:
        if self.lesser is None:
            self.lesser = ScanFault(code, detail, position + 1, self._pointer())

    def _pointer(self) -> str:
        return visible("".join(self.path)[:_POINTER_CHARS])


def _fits(number: int) -> bool:
    return -_INTEGER_LIMIT <= number < _INTEGER_LIMIT
