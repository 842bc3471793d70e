"""What a prompt shows and asks for: its language, its last task, its numbered list."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re

from app.demo_teacher.protocol import Prompt

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_TASK_HEAD = re.compile(
    r"^[ \t>*#]*(?:Task|Instruction|Question|任务|指令|问题)(?:[ \t]*\d+)?[ \t*]*[:：][ \t*]*",
    re.MULTILINE | re.IGNORECASE,
)
_TASK_END = re.compile(
    r"\n[ \t]*(?:\n|[-=#]{3}|(?:Is (?:it|this|the)|Class label|Output|Input|Example|Answer|Response"
    r"|Classification|输入|输出|类别|是否|答案|这是|回答|示例)\b|(?:输入|输出|类别|是否|答案|这是|回答|示例))",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“「'](.{8,}?)[\"”」'](?=\s|$|[.,?!，。？！])", re.DOTALL)
_LIST_ITEM = re.compile(
    r"^[ \t]*(?:(?:Task|Instruction|任务|指令) ?)?(\d+)[.):：、][ \t]*(\S.*)$", re.MULTILINE
)
_BARE_NUMBER = re.compile(
    r"(?:^|\n)[ \t]*((?:Task|Instruction|任务|指令) ?|)(\d+)([.):：、])[ \t]*$"
)
_START_AT = re.compile(
    r"(?:start(?:ing)? (?:at|from|with)|continue (?:at|from|with)|numbered(?: from)?|从第?)"
    r"\s*(?:number\s+)?(\d+)",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(\d{1,2}) (?:\w+ ){0,3}?(?:more|new|further|other|additional|diverse|different)\b"
    r"|(?:写出?|生成|列出|再给出?)\s*(\d{1,2})\s*[个条]",
    re.IGNORECASE,
)
MOST_ASKED = 40


def is_chinese(text: str) -> bool:
    """Whether the text is mostly Han characters (a Chinese word is about two of them)."""
    if text.isascii():
        return False
    han = len(_HAN.findall(text))
    return han > 0 and 2 * han > len(_LATIN.findall(text))


def last_task(prompt: Prompt) -> str:
    """The task that a prompt leaves open: behind its last `Task:`, quoted, or its last words."""
    text = prompt.last
    tail = open_tail(text)
    if tail is not None:
        return _first_part(tail)
    quoted = _QUOTED.findall(text)
    if quoted:
        return str(quoted[-1]).strip()
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
    return _first_part(paragraphs[-1]) if paragraphs else ""


def open_tail(text: str) -> str | None:
    """All that stands behind the last `Task:`, with whatever follows the task itself."""
    heads = [found.end() for found in _TASK_HEAD.finditer(text)]
    return text[heads[-1] :].lstrip() if heads else None


def _first_part(text: str) -> str:
    end = _TASK_END.search(text)
    return (text[: end.start()] if end else text).strip()


def shown_items(text: str) -> list[str]:
    """The texts of the numbered lines of a prompt."""
    return [item.strip() for _, item in _LIST_ITEM.findall(text)]


def lead_of(text: str) -> str:
    """What a prompt says before its first numbered line."""
    first = _LIST_ITEM.search(text)
    return text[: first.start()] if first else text


def open_number(text: str) -> tuple[str, int, str] | None:
    """(label, number, mark) of the bare number a prompt ends with, e.g. ("", 9, ".")."""
    found = _BARE_NUMBER.search(text[-60:])
    return (found[1], int(found[2]), found[3]) if found else None


def next_number(text: str) -> int:
    """The number that a list goes on with when the prompt does not end with it."""
    told = _START_AT.search(text)
    if told:
        return int(told[1])
    numbers = _LIST_ITEM.findall(text)
    return int(numbers[-1][0]) + 1 if numbers else 1


def asked_count(text: str) -> int | None:
    """How many items a prompt asks for in figures, if it does."""
    found = _ASKED.search(text)
    if not found:
        return None
    return max(1, min(MOST_ASKED, int(found[1] or found[2])))
