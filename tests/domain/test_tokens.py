"""Tokens: rouge-score's own for English, one rule for every script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import tokenize

from app.domain.tokens import Tokens, rouge_tokens, tokenizer, unicode_tokens


@given(st.text())
def test_rouge_tokens_are_those_of_rouge_score(text: str) -> None:
    assert rouge_tokens(text) == tokenize.tokenize(text, None)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_text_is_cut_alike_by_both(text: str) -> None:
    assert unicode_tokens(text) == rouge_tokens(text)


@given(st.text())
def test_unicode_tokens_keep_every_letter_and_digit(text: str) -> None:
    kept = "".join(unicode_tokens(text))
    assert [c for c in kept if c.isalpha() or c.isdecimal()] == [
        c for c in text.lower() if c.isalpha() or c.isdecimal()
    ]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("?! ...", []),
        ("snake_case stays two", ["snake", "case", "stays", "two"]),
        ("Café CAFE\u0301 Ñandú", ["café", "cafe\u0301", "ñandú"]),
        ("用GPT4写诗。", ["用", "gpt4", "写", "诗"]),
        ("コーヒーをください", list("コーヒーをください")),
        ("ｶﾌｪ", list("ｶﾌｪ")),
        ("𠮷野家", list("𠮷野家")),
        ("か\u3099く", ["か\u3099", "く"]),
        ("커피 한 잔", ["커피", "한", "잔"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("ນ້ຳ", ["ນ້", "ຳ"]),
        ("ភាសា", ["ភា", "សា"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("नमस्ते, दुनिया!", ["नमस्ते", "दुनिया"]),
        ("مرحبا بالعالم ٢٠٢٦", ["مرحبا", "بالعالم", "٢٠٢٦"]),
        ("Привет, мир-2", ["привет", "мир", "2"]),
        ("Tiếng Việt", ["tiếng", "việt"]),
        ("Ελλάδα — Ἀθῆναι", ["ελλάδα", "ἀθῆναι"]),
    ],
)
def test_unicode_tokens_by_script(text: str, tokens: list[str]) -> None:
    assert unicode_tokens(text) == tokens


def test_the_kind_chooses_the_tokenizer() -> None:
    assert tokenizer(Tokens.ROUGE)("你好 you") == ["you"]
    assert tokenizer(Tokens.UNICODE)("你好 you") == ["你", "好", "you"]
