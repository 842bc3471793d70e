"""Rules that depend on the language: characters instead of words, phrases, scripts."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import pytest

from app.domain.filters.blacklisted_phrase import BlacklistedPhrase
from app.domain.filters.character_count import CharacterCount
from app.domain.filters.wrong_language import WrongLanguage
from app.domain.language import Language, blacklist_filter, language_of, length_filter


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("写诗吧", "too_short"),
        ("写 诗 吧", "too_short"),
        ("写首诗吧", None),
        ("写" * 149, None),
        ("写" * 150, "too_long"),
    ],
)
def test_characters_are_counted_where_words_are_not_parted(text: str, reason: str | None) -> None:
    assert CharacterCount().reason(text) == reason
    assert length_filter(Language.CHINESE, None, None).reason(text) == reason


def test_limits_can_be_set() -> None:
    assert length_filter(Language.CHINESE, 1, 2).reason("写诗吧") == "too_long"
    assert length_filter(Language.ENGLISH, 1, 2).reason("Sing it loud") == "too_long"
    assert length_filter(Language.ENGLISH, None, None).reason("Sing it loud") == "too_short"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("描述这张图片的内容", "blacklisted_phrase"),
        ("问问chatgpt", "blacklisted_phrase"),
        ("写一首关于图书馆的诗", None),
    ],
)
def test_a_phrase_is_found_anywhere_in_chinese(text: str, reason: str | None) -> None:
    assert blacklist_filter(Language.CHINESE, None).reason(text) == reason
    assert BlacklistedPhrase(()).reason(text) is None


@pytest.mark.parametrize(
    ("language", "text", "reason"),
    [
        ("en", "Explain what 道 means in this poem.", None),
        ("en", "Écrivez un poème", None),
        ("en", "请解释道的意思", "wrong_language"),
        ("en", "Объясни это", "wrong_language"),
        ("en", "2 + 2 = ?", None),
        ("zh", "请解释 Python 的 list comprehension", None),
        ("zh", "Explain the Tao", "wrong_language"),
        ("zh", "道を説明してください", "wrong_language"),
        ("zh", "12 × 3 = ？", None),
    ],
)
def test_another_script_is_named(language: str, text: str, reason: str | None) -> None:
    assert WrongLanguage(language).reason(text) == reason


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("zh_Hant", "zh"),
        ("Chinese (simplified)", "zh"),
        ("中文", "zh"),
        ("en", "en"),
        ("", "en"),
        ("fr", "en"),
        ("zhuang", "en"),
    ],
)
def test_the_language_of_prompts_for_a_seed_set(tag: str, language: str) -> None:
    assert language_of(tag) == language
