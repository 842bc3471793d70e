"""Cuts the reply to the first step of Self-Instruct, a continued numbered list, into its items."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.parsing.chatter import is_closing, is_opening, split_assent
from app.domain.parsing.text import collapsed, without_emphasis, without_fence, without_quotes

_PUBLISHED_SPLIT = re.compile(r"\n\d+\s?\. ")

_NUMBERED = re.compile(
    r"(?P<indent>[ \t]*)(?:[#>]+[ \t]*)?(?:[-*\u2022][ \t]+)?(?:\*\*|__)?"
    r"(?:[Tt]ask[ \t]+)?[(\[]?(?P<number>\d{1,4})[ \t]?(?:\\?[.)\]:]|[\u3001\u3002\uff0e\uff09])"
    r"(?P<close>\*\*|__)?(?!\d)[ \t]*(?P<rest>.*)"
)
_BULLETED = re.compile(r"(?P<indent>[ \t]*)[-*•][ \t]+(?P<rest>\S.*)")
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]+")


@dataclass(frozen=True, slots=True)
class ListItem:
    """One piece of a reply; chatter is what a chat model says before or after its list."""

    text: str
    chatter: bool = False


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that belong together: what follows one mark, or what stands before the first."""

    lines: tuple[str, ...]
    numbered: bool


def published_items(reply: str) -> Sequence[ListItem]:
    """Split as Self-Instruct did: newline, digits, one optional whitespace, full stop, space.

    What stands before the first split is an item too, whatever it says; an item may be empty.
    """
    return [ListItem(collapsed(piece)) for piece in _PUBLISHED_SPLIT.split(reply)]


def tolerant_items(reply: str) -> Sequence[ListItem]:
    """Split a reply that continues the list, repeats its number, or starts a list of its own.

    Reads ``10.``, ``10)``, ``**10.**`` and markdown bold; without any number, bullets. Text before
    the first number is the continuation of the prompt's last number unless it is chatter.
    """
    blocks = list(_blocks(reply))
    items: list[ListItem] = []
    for position, block in enumerate(blocks):
        last = position == len(blocks) - 1
        items.extend(_items_of(block, opens=position == 0, closes=last))
    return items or [ListItem("")]


def _blocks(reply: str) -> Iterator[_Block]:
    """Cut at list marks that are not indented deeper than the first one."""
    lines = without_fence(reply).strip("\n").splitlines()
    mark = _NUMBERED if any(_NUMBERED.fullmatch(line) for line in lines) else _BULLETED
    if mark is _BULLETED and sum(bool(mark.fullmatch(line)) for line in lines) < 2:
        yield _Block(tuple(lines), numbered=False)
        return
    depth: int | None = None
    current: list[str] = []
    numbered = False
    for line in lines:
        found = mark.fullmatch(line)
        indent = len(found["indent"].expandtabs()) if found else 0
        if not found or (depth is not None and indent > max(depth, 1)):
            current.append(line)
            continue
        if numbered or current:
            yield _Block(tuple(current), numbered)
        depth = indent if depth is None else depth
        current, numbered = [_rest(found)], True
    yield _Block(tuple(current), numbered)


def _rest(found: re.Match[str]) -> str:
    """Give back the bold mark that a line such as ``**10. Title** text`` opened at its number."""
    groups = found.groupdict()
    rest = groups["rest"]
    opened = found.string[: found.start("rest")].count("**")
    return f"**{rest}" if opened == 1 and "**" in rest else rest


def _items_of(block: _Block, *, opens: bool, closes: bool) -> Iterator[ListItem]:
    """Part a block into leading chatter, the item itself and closing chatter."""
    lines = list(block.lines)
    head: list[str] = []
    tail: list[str] = []
    if opens and not block.numbered:
        head, lines = _opening(lines)
    if closes:
        cut = _closing_from(lines, numbered=block.numbered)
        lines, tail = lines[:cut], lines[cut:]
    if text := _plain(" ".join(head)):
        yield ListItem(text, chatter=True)
    if (text := _plain(" ".join(lines))) or block.numbered:
        yield ListItem(text)
    if text := _plain(" ".join(tail)):
        yield ListItem(text, chatter=True)


def _opening(lines: list[str]) -> tuple[list[str], list[str]]:
    """Part what a reply says about itself from the item that continues the prompt, if any."""
    head: list[str] = []
    while lines:
        assent, rest = split_assent(lines[0])
        if assent and rest:
            return [*head, assent], [rest, *lines[1:]]
        heading = _HEADING.match(lines[0])
        if lines[0].strip() and not heading and not is_opening(_plain(lines[0])):
            break
        head.append(lines[0])
        lines = lines[1:]
    return head, lines


def _closing_from(lines: Sequence[str], *, numbered: bool) -> int:
    """Return the line at which the last item ends.

    An unindented paragraph after the item closes the reply, and so does a line that says goodbye.
    """
    for position in range(1, len(lines)):
        line = lines[position]
        if not line.strip() or line[:1].isspace():
            continue
        after_blank = not lines[position - 1].strip()
        open_end = _plain(" ".join(lines[:position])).endswith(":")
        if is_closing(_plain(line)) or (numbered and after_blank and not open_end):
            return position
    return len(lines)


def _plain(text: str) -> str:
    """Return the text on one line, without markdown's headings, bold marks and outer quotes."""
    plain = collapsed(without_emphasis(_HEADING.sub("", text, count=1)))
    return without_quotes(plain.removeprefix("**").removesuffix("**").strip())
