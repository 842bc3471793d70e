"""Cuts the reply to the first step of Self-Instruct, a continued numbered list, into its items."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.domain.parsing.chatter import is_about_list, is_closing, is_opening, split_assent
from app.domain.parsing.text import collapsed, without_emphasis, without_fence, without_quotes

_PUBLISHED_SPLIT = re.compile(r"\n\d+\s?\. ")

_NUMBERED = re.compile(
    r"(?P<indent>[ \t]*)(?:[#>]+[ \t]*)?(?:[-*\u2022][ \t]+)?(?:\*\*|__)?"
    r"(?:[Tt]ask[ \t]+|(?:\u4efb\u52a1|\u6307\u4ee4)[ \t]*)?[(\[\uff08]?\d{1,4}[ \t]?\\?"
    r"(?P<style>[.)\]:\u3001\u3002\uff0e\uff09\uff1a])"
    r"(?:\*\*|__)?(?!\d)[ \t]*(?P<rest>.*)"
)
_BULLETED = re.compile(r"(?P<indent>[ \t]*)(?P<style>[-*\u2022])[ \t]+(?P<rest>\S.*)")
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+")
_ASCII_KIN = str.maketrans("\u3001\u3002\uff0e\uff09\uff1a", "...):")


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
    """Cut at list marks; without any, the reply is one block."""
    lines = without_fence(reply).strip("\n").splitlines()
    marks = _marks(lines, _NUMBERED) or _marks(lines, _BULLETED, fewest=2)
    current: list[str] = []
    numbered = False
    for position, line in enumerate(lines):
        if position not in marks:
            current.append(line)
            continue
        if numbered or current:
            yield _Block(tuple(current), numbered)
        current, numbered = [_rest(marks[position])], True
    yield _Block(tuple(current), numbered)


def _marks(
    lines: Sequence[str], mark: re.Pattern[str], *, fewest: int = 1
) -> Mapping[int, re.Match[str]]:
    """Find the lines that open an item: no deeper than the first, and all marked alike.

    The commonest mark wins, so that ``1) noun`` inside a list of ``10.`` belongs to its item.
    """
    found = {position: mark.fullmatch(line) for position, line in enumerate(lines)}
    matches = {position: match for position, match in found.items() if match}
    if len(matches) < fewest:
        return {}
    depth = max(1, _indent(next(iter(matches.values()))))
    shallow = {position: match for position, match in matches.items() if _indent(match) <= depth}
    styles = Counter(_style(match) for match in shallow.values())
    style = max(styles, key=lambda each: (styles[each], each == "."))
    return {position: match for position, match in shallow.items() if _style(match) == style}


def _style(found: re.Match[str]) -> str:
    """Return the mark after the number; wide ones count as their ASCII kin."""
    return found["style"].translate(_ASCII_KIN)


def _indent(found: re.Match[str]) -> int:
    return len(found["indent"].expandtabs())


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

    A line that says goodbye closes the reply, and so does a paragraph that speaks of the list; any
    other paragraph may be what the task is to work on.
    """
    for position in range(1, len(lines)):
        line = lines[position]
        if not line.strip() or line[:1].isspace():
            continue
        after_blank = not lines[position - 1].strip()
        text = _plain(line)
        if is_closing(text) or (numbered and after_blank and is_about_list(text)):
            return position
    return len(lines)


def _plain(text: str) -> str:
    """Return the text on one line, without markdown's headings, bold marks and outer quotes."""
    plain = collapsed(without_emphasis(_HEADING.sub("", text, count=1)))
    return without_quotes(plain.removeprefix("**").removesuffix("**").strip())
