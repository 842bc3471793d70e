"""The marks that part the reply to Self-Instruct's last step, in each language of its prompts."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.language import Language

_BOLD = r"(?:\*\*|__)?"
# What closes a bold label after its colon; what opens a bold text there is left to it.
_CLOSED = r"(?:[ \t]*(?:\*\*|__)(?!\S[^\n]*?(?:\*\*|__)))?"
_LINE = r"(?m)^[ \t]*(?:#{1,6}[ \t]*)?" + _BOLD


@dataclass(frozen=True, slots=True)
class Marks:
    """Patterns of the marks at the start of a line, bold or not; `output` finds one anywhere."""

    example_line: re.Pattern[str]
    output_line: re.Pattern[str]
    input_line: re.Pattern[str]
    label_line: re.Pattern[str]
    bold_label: re.Pattern[str]
    output: re.Pattern[str]


_ENGLISH = Marks(
    example_line=re.compile(
        _LINE
        + r"Example(?:[ \t]*#?\d+(?:[ \t]*[.:)]|(?=[ \t]*(?:\*\*|__|\(|$)))"
        + r"|[ \t]*[.:]?[ \t]*(?=\*\*|__|$))[ \t]*"
        + _BOLD
        + r"[ \t]*[.:]?"
    ),
    output_line=re.compile(_LINE + r"Output[ \t]*\d*[ \t]*" + _BOLD + r"[ \t]*:" + _CLOSED),
    input_line=re.compile(_LINE + r"Input[ \t]*\d*[ \t]*" + _BOLD + r"[ \t]*:" + _CLOSED),
    label_line=re.compile(
        r"(?m)^[ \t]*(?:\d+[.)][ \t]*)?"
        + _BOLD
        + r"[Cc]lass [Ll]abel[ \t]*\d*[ \t]*"
        + _BOLD
        + r"[ \t]*:"
        + _CLOSED
    ),
    bold_label=re.compile(r"(?m)^[ \t]*\*\*([^*\n]{1,40}:)\*\*"),
    output=re.compile(r"Output\s*\d*\s*:"),
)

_NUMBER = r"#?[(（]?(?:\d+|[一二三四五六七八九十]+)[)）]?"


def _chinese_line(words: str, before: str = "") -> re.Pattern[str]:
    """A mark with either colon, bold or in a box, numbered or not."""
    plain = rf"(?:{words})[ \t]*(?:{_NUMBER})?[ \t]*{_BOLD}[ \t]*[:：]"
    boxed = rf"[【\[](?:{words})[ \t]*(?:{_NUMBER})?[】\]]{_BOLD}[ \t]*[:：]?"
    return re.compile(rf"{_LINE}{before}{_BOLD}(?:{plain}|{boxed}){_CLOSED}")


# A teacher that writes Chinese takes up the Chinese marks of the prompt, now and then English ones.
_CHINESE = Marks(
    example_line=re.compile(
        rf"{_LINE}[【\[]?(?:"
        rf"(?:示例|例子|样例|例|Example)[ \t]*{_NUMBER}[ \t]*[】\]]?"
        rf"(?:[ \t]*[.:：、]|(?=[ \t]*(?:\*\*|__|[(（]|输入|输出|$)))"
        rf"|(?:示例|例子|样例)[ \t]*[】\]]?[ \t]*[:：]?[ \t]*(?=\*\*|__|$)"
        rf")[ \t]*{_BOLD}[ \t]*[:：]?"
    ),
    output_line=_chinese_line("输出(?:结果)?|Output"),
    input_line=_chinese_line("输入(?:内容)?|Input"),
    label_line=_chinese_line(
        r"(?:类别|分类)标签|类别|分类结果|[Cc]lass [Ll]abel", r"(?:\d+[.)、．）][ \t]*)?"
    ),
    bold_label=re.compile(r"(?m)^[ \t]*\*\*([^*\n]{1,40}[:：])\*\*"),
    output=re.compile(r"(?:输出|Output)\s*\d*\s*[:：]"),
)

MARKS: Mapping[Language, Marks] = {Language.ENGLISH: _ENGLISH, Language.CHINESE: _CHINESE}
