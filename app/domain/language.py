"""The languages that prompts are written in, and what the rules on instructions count in each."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from dataclasses import dataclass
from enum import StrEnum

from app.domain.filter import InstructionFilter
from app.domain.filters.blacklisted_phrase import BlacklistedPhrase
from app.domain.filters.blacklisted_word import PUBLISHED_BLACKLIST, BlacklistedWord
from app.domain.filters.character_count import CharacterCount
from app.domain.filters.forbidden_start import ForbiddenStart
from app.domain.filters.punctuation_start import PunctuationStart
from app.domain.filters.word_count import WordCount


class Language(StrEnum):
    """A language for which every method has its prompts."""

    ENGLISH = "en"
    CHINESE = "zh"


_CHINESE_TAGS = ("zh", "chinese", "mandarin", "cmn", "中文", "汉语")

# The 18 words of Alpaca's released code: those of Self-Instruct and five more.
ENGLISH_BLACKLIST = (*PUBLISHED_BLACKLIST, "video", "audio", "music", "flowchart", "diagram")
# After the list of BELLE, which tests for any of its phrases wherever they stand.
CHINESE_BLACKLIST = (
    "图像",
    "图片",
    "照片",
    "文件",
    "图表",
    "图层",
    "曲线图",
    "折线图",
    "直线图",
    "柱形图",
    "饼状图",
    "视频",
    "音频",
    "链接",
    "http",
    "OpenAI",
    "ChatGPT",
    "GPT-3",
    "GPT-4",
)

CHINESE_FORBIDDEN_STARTS = (
    "写一个程序",
    "写一段程序",
    "编写一个程序",
    "编写一段程序",
    "编写程序",
    "请写一个程序",
    "请编写一个程序",
)
# What opens no Chinese sentence: a title in 《》 or a quotation may.
CHINESE_MARKS = "，。、；：？！…—～·（）【】"


def language_of(tag: str) -> Language:
    """The language of prompts for what a seed set calls its language; English where there is none.

    ``zh``, ``zh-CN``, ``zh_Hant`` and ``Chinese`` are Chinese.
    """
    lowered = tag.strip().lower()
    chinese = lowered.replace("_", "-").split("-")[0] in _CHINESE_TAGS
    return Language.CHINESE if chinese or "chinese" in lowered else Language.ENGLISH


@dataclass(frozen=True, slots=True)
class LanguageRules:
    """How long an instruction may be, in words or, where words are not parted, in characters."""

    fewest: int
    most: int
    blacklist: tuple[str, ...]
    forbidden_starts: tuple[str, ...]
    marks: str = ""
    colons: tuple[str, ...] = (":",)


# Self-Instruct keeps 4 to 150 words; BELLE more than 3 and fewer than 150 characters.
RULES = {
    Language.ENGLISH: LanguageRules(4, 150, ENGLISH_BLACKLIST, ("Write a program",)),
    Language.CHINESE: LanguageRules(
        4, 149, CHINESE_BLACKLIST, CHINESE_FORBIDDEN_STARTS, CHINESE_MARKS, (":", "：")
    ),
}


def length_filter(
    language: Language, fewest: int | None, most: int | None, *, count_unspaced: bool = True
) -> InstructionFilter:
    """The rule on length; None takes the language's own limit."""
    rules = RULES[language]
    fewest = rules.fewest if fewest is None else fewest
    most = rules.most if most is None else most
    if language is Language.CHINESE:
        return CharacterCount(fewest, most)
    return WordCount(fewest, most, count_unspaced=count_unspaced)


def blacklist_filter(language: Language, words: tuple[str, ...] | None) -> InstructionFilter:
    """The rule on unfit words; None takes the language's own list."""
    words = RULES[language].blacklist if words is None else words
    return BlacklistedPhrase(words) if language is Language.CHINESE else BlacklistedWord(words)


def forbidden_start_filter(language: Language, starts: tuple[str, ...] | None) -> InstructionFilter:
    """The rule on how an instruction may not begin; None takes the language's own list."""
    return ForbiddenStart(RULES[language].forbidden_starts if starts is None else starts)


def punctuation_filter(language: Language) -> InstructionFilter:
    """The rule on the first character."""
    return PunctuationStart(RULES[language].marks)
