"""What a reply says of the passage it was to rest on: that it answers not, or that it was there."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re

from app.domain.parsing.text import collapsed, without_thoughts

_MARK = re.compile(r"no answer|无法回答|\[\s*(?:no answer|无法回答)\s*\].*", re.IGNORECASE)
_EDGES = " \t\n\"'`*_.。!！:：“”"
_SILENT = re.compile(
    r"(?:(?:sorry|unfortunately|i(?:'m| am) sorry)[,.]? (?:but )?)?"
    r"(?:the|this) (?:given |provided )?(?:passage|text|document|excerpt|section|context)"
    r" (?:above |provided |given )?(?:does not|doesn't|did not|didn't|never|says nothing|has no)\b"
    r"|(?:抱歉，|对不起，)?(?:文中|原文|该文|(?:这段|该段|上述|所给)(?:文字|内容|材料|文本)(?:中|里)?)"
    r"(?:并)?(?:没有|未|不)",
    re.IGNORECASE,
)
_OF_IT = r"(?:passage|excerpt|text|document|section|article|paragraph|context)"
_BETRAYS = re.compile(
    rf"\baccording to (?:the|this) (?:\w+ )?{_OF_IT}\b"
    rf"|\b(?:the|this) (?:above|given|provided|following) {_OF_IT}\b"
    rf"|\b(?:the|this) {_OF_IT} (?:above|below|provided|given|says?|states?|mentions?"
    r"|describes?|explains?|does not|doesn't)\b"
    r"|\b(?:in|from|by) (?:the|this) (?:passage|excerpt)\b"
    r"|(?:这段|该段|上述|上面的|所给的?|给定的?)(?:文字|文本|材料|内容|段落)"
    r"|根据(?:原文|文中|文档)|文中(?:提到|所述|说)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"\s*(?:\*\*)?(?:answer|回答)\s*[:：](?:\*\*)?\s*", re.IGNORECASE)
_YES = re.compile(r"\W*(?:yes\b|是|能(?!否))", re.IGNORECASE)


def says_nothing(reply: str) -> bool:
    """Whether a reply says that the passage does not answer: by the mark, or in words at first."""
    text = collapsed(without_thoughts(reply).replace("\u2019", "'")).strip(_EDGES)
    return bool(_MARK.fullmatch(text) or _SILENT.match(text))


def speaks_of_passage(text: str) -> bool:
    """Whether a text betrays that a passage was at hand, which whoever reads it alone lacks."""
    return bool(_BETRAYS.search(text.replace("\u2019", "'")))


def unlabelled(answer: str) -> str:
    """An answer without the label that some teachers put before it."""
    return _LABEL.sub("", answer, count=1) if _LABEL.match(answer) else answer


def bears_out(reply: str) -> bool:
    """Whether a verdict begins with yes; all else, silence included, is none."""
    return bool(_YES.match(without_thoughts(reply)))
