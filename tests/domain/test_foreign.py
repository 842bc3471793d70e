"""Texts in another language than wanted: what is seen, and what must not be."""

# ruff: noqa: RUF001 (other scripts are meant)

import gzip
import json
import re
import time
from typing import Any

import pytest

from app.domain.foreign import is_english_prose, is_foreign, is_known, primary
from app.domain.records import Instance
from app.domain.row_language import is_foreign_output
from tests.domain.playing import DATA, json_lines, needs_data

NOT_ENGLISH = (
    "Schreibe einen kurzen Brief an deine Nachbarn und entschuldige dich für den Lärm.",
    "Nenne drei Gründe, warum Bienen wichtig sind.",
    "Écris une lettre de motivation pour un poste de boulanger.",
    "Donne trois conseils pour mieux dormir.",
    "Escribe un poema sobre el mar en invierno.",
    "¿Cuáles son las ventajas de la energía solar?",
    "Scrivi una breve storia su un faro abbandonato.",
    "Quais são as principais causas da poluição do ar?",
    "Schrijf een kort verhaal over een verloren sleutel.",
    "Napisz krótki wiersz o jesieni.",
    "Scrie o scurtă poveste despre un faru părăsit.",
    "Viết một bài thơ ngắn về mùa thu.",
    "Írj egy rövid verset a tengerről.",
    "Kirjoita lyhyt runo merestä.",
    "请解释道的意思",
    "编写一个nodejs脚本，将 jsonl 文件转换为 json 数组",
    "道を説明してください",
    "바다에 대한 시를 써 주세요.",
    "Напишите стихотворение о море.",
    "اكتب قصيدة عن البحر.",
)
ENGLISH = (
    "Write a poem about the sea.",
    "Explain what 道 means in this poem.",
    "Translate “Je ne sais pas ce que tu veux” into English.",
    'Say "Guten Morgen, wie geht es Ihnen heute?" more politely.',
    "Sort these: Zürich, Genève, Lugano, Chur",
    "print(sum(x ** 2 for x in range(10)))",
    "Integrate $\\int_0^\\pi \\sin x dx$.",
    "https://example.org/der/weg/ist/das/ziel",
    "Design an artificial neural network",
    "2 + 2 = ?",
    "```\nfür i in liste: drucke(i)\n```",
    "",
)


@pytest.mark.parametrize("text", NOT_ENGLISH)
def test_another_language_is_seen(text: str) -> None:
    assert is_foreign(text, "en")


@pytest.mark.parametrize("text", ENGLISH)
def test_english_with_strange_things_in_it_is_not(text: str) -> None:
    assert not is_foreign(text, "en")


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("请解释 Python 的 list comprehension", "zh", False),
        ("Explain the Tao", "zh", True),
        ("道を説明してください", "zh", True),
        ("道を説明してください", "ja", False),
        ("请写一首关于大海的诗，要有比喻，还要有两个季节。", "ja", True),
        ("바다에 대한 시", "ko", False),
        ("请写一首诗", "ko", True),
        (NOT_ENGLISH[0], "de", False),
        (NOT_ENGLISH[0], "fr", True),
        ("Write a short story about a lost key and its finder.", "de", True),
        ("Напишите стихотворение о море.", "ru", False),
        ("Write a poem about the sea.", "ru", True),
        ("Write a poem about the sea.", "tlh", False),
    ],
)
def test_other_languages_can_be_wanted(text: str, wanted: str, expected: bool) -> None:
    assert is_foreign(text, wanted) is expected


def test_neighbours_are_not_told_apart() -> None:
    text = "Skriv et kort dikt om havet om vinteren, og forklar hvorfor du liker det."
    assert not is_foreign(text, "no")
    assert not is_foreign(text, "da")
    assert is_foreign(text, "en")


def test_prose_is_running_words() -> None:
    assert is_english_prose("The library closes at six, so we have to leave what we read there.")
    assert not is_english_prose("def f(x):\n    return [y for y in x if y]")
    assert not is_english_prose("The end")
    assert not is_english_prose(NOT_ENGLISH[0])


@pytest.mark.parametrize("piece", ["字", "a@", "x(", "'", '"', "$", "`", "\n", " "])
def test_long_texts_without_a_break_are_judged_at_once(piece: str) -> None:
    text = piece * (60_000 // len(piece))
    started = time.process_time()
    is_foreign(text, "en")
    is_foreign_output("Sing.", Instance("", f"字{text}"), "en")
    assert time.process_time() - started < 2


@pytest.mark.parametrize(("tag", "language"), [("pt-BR", "pt"), ("ZH_hant", "zh"), (" de ", "de")])
def test_a_tag_begins_with_its_language(tag: str, language: str) -> None:
    assert primary(tag) == language
    assert is_known(language)
    assert not is_known("tlh")


@needs_data
@pytest.mark.slow
def test_false_drops_of_alpaca() -> None:
    """Of 52,002 instructions none, of 52,002 outputs two: one is French, as is its instruction."""
    with gzip.open(DATA / "alpaca" / "alpaca_52k.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert len(rows) == 52_002
    assert [each for each in rows if is_foreign(each["instruction"], "en")] == []
    dropped = [
        each["instruction"]
        for each in rows
        if is_foreign_output(each["instruction"], Instance(each["input"], each["output"]), "en")
    ]
    assert dropped == [
        "Provide a list of sites to visit in Barcelona.",
        "Combien de cotes a un triangle triangle?",
    ]
    translations = [
        each["output"]
        for each in rows
        if TRANSLATES.search(each["instruction"]) and len(each["output"]) >= 40
    ]
    assert len(translations) == 21
    assert sum(is_foreign(each, "en") for each in translations) == 16  # the rest quotes in English


TRANSLATES = re.compile(
    r"translat\w+.*\b(in)?to (spanish|french|german|italian|portuguese|dutch|swedish)",
    re.IGNORECASE,
)


@needs_data
@pytest.mark.parametrize("language", ["en", "zh"])
def test_seeds_of_instruction_wild(language: str) -> None:
    rows = json_lines(f"instruction_wild/seeds_{language}.jsonl")
    other = {"en": "zh", "zh": "en"}[language]
    assert [each for each in rows if is_foreign(each["instruction"], language)] == []
    seen = sum(is_foreign(each["instruction"], other) for each in rows)
    assert seen >= 417  # of 429; the others are code, names and sums
