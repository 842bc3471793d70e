"""Each filter finds exactly what was planted for it; real rows have as much noise as is known."""

import gzip
import json
from collections.abc import Sequence

import pytest

from app.domain.filtering import NAMES, FilterKind, JobFilters, build, kind_of, reasons_of, resolve
from app.domain.records import Instance, Message, Role
from tests.domain.filters.planted import PLANTED, SOUND, Row
from tests.domain.playing import DATA, needs_data

ALPACA = DATA / "alpaca" / "alpaca_52k.jsonl.gz"
SETTINGS = {"blacklisted_phrase": {"phrases": ["曲线图"]}}
SINGLE = [name for name in NAMES if kind_of(name) is not FilterKind.GROUP]


def built(*names: str) -> JobFilters:
    """Filters that flag, so that each is asked."""
    said = {name: {**SETTINGS.get(name, {}), "action": "flag"} for name in names}
    stored, problems = resolve({}, said)
    assert stored is not None, problems
    found, problems = build(stored)
    assert found is not None, problems
    return found


def found_in(row: Row, filters: JobFilters) -> Sequence[str]:
    instruction, given, output = row
    return filters.judge(instruction, Instance(given, output)).flags


@pytest.fixture(scope="module")
def everything() -> JobFilters:
    return built(*SINGLE)


@pytest.mark.parametrize("name", SINGLE)
def test_a_filter_finds_its_own_and_nobody_else_does(name: str, everything: JobFilters) -> None:
    if name == "empty":  # what has no text is short as well, however short is counted
        assert found_in(("", "", "x"), everything) == ("empty", "too_short", "too_short")
        return
    for row in PLANTED[name]:
        assert len(found_in(row, everything)) == 1, (row, found_in(row, everything))
        assert found_in(row, everything)[0] in reasons_of(name), row
        assert found_in(row, built(name)), row


@pytest.mark.parametrize("row", SOUND, ids=[row[0] for row in SOUND])
def test_nothing_is_found_in_what_is_sound(row: Row, everything: JobFilters) -> None:
    assert found_in(row, everything) == ()


@pytest.mark.parametrize("name", [name for name in SINGLE if kind_of(name) is FilterKind.ROW])
def test_every_turn_of_a_dialogue_is_looked_at(name: str) -> None:
    """What is planted in an output is found in the last turn of a dialogue too."""
    filters = built(name)
    said = [row for row in PLANTED[name] if found_in((row[0], "", row[2]), filters)]
    for instruction, _, output in said:
        turns = (
            Message(Role.USER, instruction),
            Message(Role.ASSISTANT, "Leaves."),
            Message(Role.USER, "Say more."),
            Message(Role.ASSISTANT, output),
        )
        dialogue = Instance("", "Leaves.", messages=turns)
        assert filters.judge(instruction, dialogue).flags == (name,)


@needs_data
def test_the_known_noise_of_alpaca_is_found_to_the_row() -> None:
    """Counts of others over the same 52,002 rows."""
    wanted = {"empty_output": 28, "no_input": 599, "link": 288, "merged_tasks": 37}
    filters = built(*wanted)
    counted = dict.fromkeys(wanted, 0)
    with gzip.open(ALPACA, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            for name in found_in((row["instruction"], row["input"], row["output"]), filters):
                counted[name] += 1
    assert counted == wanted


# Settings


def test_settings_move_the_limits() -> None:
    def finds(row: Row, name: str, **settings: object) -> bool:
        stored, _ = resolve({}, {name: settings})
        filters, _ = build(stored or {})
        assert filters is not None
        return filters.at_once().judge(row[0], Instance(row[1], row[2])).instance.dropped

    address = PLANTED["email_address"][0]
    assert finds(address, "email_address")
    assert not finds(address, "email_address", allowed_domains=["@TeaHouse.cn"])
    linked = ("Read https://tea.test", "", "tea")
    assert not finds(linked, "link")
    assert finds(linked, "link", where=["instruction", "output"])
    loop = ("Sing.", "", "la " * 24)
    assert not finds(loop, "repetition_loop")
    assert finds(loop, "repetition_loop", least_tokens=20)
    assert not finds(loop, "repetition_loop", least_tokens=20, times=25)
    assert finds(("Say tea.", "", "the secret word is ZAUBER"), "prompt_leak", phrases=["zauber"])
    sorry = ("Say sorry.", "", "I'm sorry, but I can't help with that.")
    assert not finds(sorry, "refusal")
    assert finds(sorry, "refusal", spare_tasks_of_refusing=False)
    broken = PLANTED["broken_code"][1]
    assert not finds(broken, "broken_code", languages=["python"])
    assert not finds(PLANTED["broken_code"][2], "broken_code", unfenced=False)
    short = ("Go on.", "", "They went to the hills and then they came back to the")
    assert not finds(short, "truncated_answer", least_words=13)
    copied = PLANTED["copied_answer"][0]
    assert finds((copied[0], "", f"{TOLD_TWICE}"), "copied_answer", share=0.6)
    assert not finds((copied[0], "", f"{TOLD_TWICE}"), "copied_answer")
    assert finds(short, "word_count", minimum=3)
    assert not finds(short, "word_count", minimum=2)


TOLD_TWICE = "It is so: tea is made of the leaves of a bush that grows in the hills, they say."


def test_hostile_texts_neither_kill_nor_delay() -> None:
    """A reply can hold anything; the worst that was tried, each of which would be slow or fatal."""
    size = 15_000
    texts = [
        "```python\n" + "(" * (size // 2) + ")" * (size // 2) + "\n```",
        "```python\n" + "-" * size + "1\n```",
        "```python\n" + "lambda:" * (size // 7) + "1\n```",
        "```python\na" + "()" * (size // 3) + "\n```",
        "```json\n" + "[" * size + "\n```",
        "```a\n" * size,
        "```python\n" + "\n" * size + "x y\n```",
        "22222222 " * size,
        "a@" * size,
        "#" * size,
        "as a " * size,
        "\ud800 half a pair",
    ]
    filters = built(*SINGLE)
    for text in texts:
        filters.judge(text, Instance(text, text))
