"""Drops a row whose answer holds code that cannot be parsed in the language it claims."""

import ast
import json
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from app.domain.filter import answers
from app.domain.options import option
from app.domain.records import Instance

_FENCE = re.compile(r" {0,3}```+ *(\w*)")
_ASKS_FOR_PYTHON = re.compile(r"\bpython\b", re.IGNORECASE)
_BEGINS_AS_PYTHON = re.compile(r"(?:def \w+\(|class \w+[(:]|import \w+\n|from [\w.]+ import )")
_SENTENCE_BEHIND = re.compile(r"\n\s*\n(?=[A-Z][\w']* [a-z]|\w+:\s)")
_PYTHON = frozenset({"python", "python3", "py"})
# Python's prompt, shells, notebooks, what is left out, and the print statement of Python 2.
_NO_PROGRAM = re.compile(r"^[ \t]*(?:>>>|\.\.\.|[%!$]|print +[\"'\w])", re.MULTILINE)
_NO_JSON = re.compile(r"^[ \t]*(?://|#|/\*)|\.\.\.|…", re.MULTILINE)
_LONGEST = 20_000
# Nested deeper than any program, text can bring the interpreter's own parser down.
_DEEPEST = 60
_PILED_UP = re.compile(r"(?:[-+~]|\bnot\b|\bawait\b|\s){100}\S|(?:\blambda\b[^:\n]{0,20}:\s*){30}")


@dataclass(frozen=True, slots=True)
class BrokenCode:
    """After the check of Magicoder and its successors that code parses (arXiv:2312.02120).

    Code is claimed by a fence that names Python or JSON, and by an answer to a request for Python
    that begins as a program does. Sessions of a shell or of Python's prompt, ellipses and programs
    for Python 2 are not judged, nor is what is too long or nested too deep to be tried.
    """

    languages: tuple[str, ...] = option(
        ("python", "json"), "languages that are tried", choices=("python", "json")
    )
    unfenced: bool = option(True, "judge Python that stands without a fence where it was asked for")

    def reason(self, instruction: str, instance: Instance) -> str | None:
        for text in answers(instance):
            if any(self._is_broken(*each) for each in self._claimed(instruction, text)):
                return "broken_code"
        return None

    def _claimed(self, instruction: str, answer: str) -> Iterator[tuple[str, str]]:
        """Each piece of code with the language that it is said to be in."""
        if "```" in answer:
            yield from _fenced(answer)
        elif self.unfenced and _is_wanted_python(instruction, answer):
            # The program, without the words and results behind it.
            yield "python", _SENTENCE_BEHIND.split(answer, maxsplit=1)[0]

    def _is_broken(self, language: str, code: str) -> bool:
        if not code.strip() or len(code) > _LONGEST or _is_too_deep(code):
            return False
        if language in _PYTHON and "python" in self.languages:
            return not _is_python(code)
        return language == "json" and "json" in self.languages and not _is_json(code)


def _is_wanted_python(instruction: str, answer: str) -> bool:
    begins = _BEGINS_AS_PYTHON.match(answer) is not None
    return begins and _ASKS_FOR_PYTHON.search(instruction) is not None


def _fenced(answer: str) -> Iterator[tuple[str, str]]:
    """Closed blocks only: that one was not closed is another fault."""
    language: str | None = None
    block: list[str] = []
    for line in answer.splitlines():
        fence = _FENCE.match(line)
        if fence is None:
            block.append(line)
        elif language is None:
            language, block = fence[1].lower(), []
        else:
            yield language, "\n".join(block)
            language = None


def _is_python(code: str) -> bool:
    if _NO_PROGRAM.search(code):
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd in a program is not broken
            ast.parse(textwrap.dedent(code))
    except SyntaxError:
        return False
    except (ValueError, RecursionError, MemoryError):
        return True
    return True


def _is_json(code: str) -> bool:
    if _NO_JSON.search(code):
        return True
    try:
        json.loads(code)
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


def _is_too_deep(code: str) -> bool:
    depth = deepest = 0
    for char in re.findall(r"[()\[\]{}]", code):
        depth = max(0, depth + (1 if char in "([{" else -1))
        deepest = max(deepest, depth)
    return deepest > _DEEPEST or _PILED_UP.search(code) is not None
