"""Alpaca as a conversation: whole tasks in one reply, whatever their numbers and headings."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.method import Completion, Decoding
from app.domain.methods.alpaca import Alpaca
from app.domain.parsing.triples import Triple, tolerant_triples, without_no_input
from app.domain.records import Candidate, Instance, SeedInstance, Source, SourceKind
from tests.domain.playing import FakePool, configured, outcome, play


def seed(number: int, given: str = "", output: str = "Done.") -> Source:
    instances = (SeedInstance(given, output),)
    return Source(SourceKind.SEED, str(number), f"Do task\n number {number}:", instances)


SHOWN = [seed(1), seed(2, "some tea"), seed(3)]


def propose(reply: Completion | str, profile: str = "default", **given: object) -> list[Candidate]:
    return list(play(configured(Alpaca, profile, **given).propose(SHOWN, Random(0)), reply)[1])


def triples(found: list[Candidate]) -> list[tuple[str, str, str]]:
    return [
        (each.instruction, each.instances[0].input, each.instances[0].output)
        for each in found
        if not each.dropped
    ]


TEA = ("Name three kinds of tea.", "", "Green, black, white.")
SUM = ("Add up the given numbers.", "3, 4", "7")
PLAIN = """ Name three kinds of tea.
4. Input:
<noinput>
4. Output:
Green, black, white.
###
5. Instruction: Add up the given numbers.
5. Input:
3, 4
5. Output:
7"""


def test_the_prompt_shows_whole_tasks_and_ends_in_an_open_one() -> None:
    asked = next(configured(Alpaca).propose(SHOWN, Random(0)))
    assert asked.text.endswith(
        "###\n1. Instruction: Do task number 1\n1. Input:\n<noinput>\n1. Output:\nDone.\n"
        "###\n2. Instruction: Do task number 2\n2. Input:\nsome tea\n2. Output:\nDone.\n"
        "###\n3. Instruction: Do task number 3\n3. Input:\n<noinput>\n3. Output:\nDone.\n"
        "###\n4. Instruction:"
    )
    assert (asked.step, asked.version) == ("propose", "alpaca/propose.en@1")
    assert asked.decoding == Decoding(3072, 1.0, 1.0, stop=("\n20. Instruction:",))
    assert asked.system is not None
    assert "number 19" in asked.system


def test_the_paper_profile_asks_as_published() -> None:
    asked = next(configured(Alpaca, "paper").propose(SHOWN, Random(0)))
    assert asked.decoding == Decoding(3072, 1.0, 1.0, stop=("\n20", "20."))
    assert asked.system is None


def test_chinese_seeds_get_a_chinese_prompt() -> None:
    asked = next(configured(Alpaca, language="zh").propose(SHOWN, Random(0)))
    assert asked.version == "alpaca/propose.zh@1"
    assert asked.text.endswith("3. 输出：\nDone.\n###\n4. 指令：")
    assert "<无输入>" in asked.text
    assert asked.decoding.stop == ("\n20. 指令：",)


@pytest.mark.parametrize("profile", ["default", "paper"])
def test_a_reply_in_the_prompts_form_is_read_in_both_ways(profile: str) -> None:
    assert triples(propose(PLAIN, profile)) == [TEA, SUM]


HEADED = PLAIN.replace("Green, black, white.", "### Kinds\nGreen.\n###\n### End\nBlack.")
REPLIES = {
    "repeats the open label": "4. Instruction:" + PLAIN,
    "repeats the mark too": "###\n4. Instruction:" + PLAIN,
    "starts from one again": "1. Instruction:" + PLAIN.replace("5.", "2."),
    "numbers of parts differ": PLAIN.replace("5. Input", "4. Input").replace(
        "4. Output", "9. Output"
    ),
    "one number for all": "4. Instruction:" + PLAIN.replace("5.", "4."),
    "no numbers on the parts": PLAIN.replace("4. Input", "Input").replace("5. Output", "Output"),
    "bold": "**4. Instruction:**" + PLAIN.replace("5. Instruction:", "**5. Instruction:**"),
    "bold labels": PLAIN.replace("5. Input:", "5. **Input:**").replace(
        "4. Output:", "4. **Output:**"
    ),
    "heading": "### 4. Instruction:" + PLAIN.replace("###\n5. ", "### 5. "),
    "a fence around all": f"```\n4. Instruction:{PLAIN}\n```",
    "chatter before": "Sure! Here are the tasks:\n\n###\n4. Instruction:" + PLAIN,
    "brackets": PLAIN.replace("5. Instruction", "5) Instruction"),
    "no input line": PLAIN.replace("4. Input:\n<noinput>\n", ""),
    "no input in other words": PLAIN.replace("<noinput>", "No input needed."),
    "thoughts": f"<think>4. Instruction: hm</think>{PLAIN}",
    "a last mark": PLAIN + "\n###",
}


@pytest.mark.parametrize("name", REPLIES)
def test_other_forms_are_read_by_default(name: str) -> None:
    assert triples(propose(REPLIES[name])) == [TEA, SUM]


def test_a_heading_inside_an_output_stays_there() -> None:
    kept = ("Name three kinds of tea.", "", "### Kinds\nGreen.\n###\n### End\nBlack.")
    assert triples(propose(HEADED)) == [kept, SUM]
    assert triples(propose(HEADED, "paper")) == [("Name three kinds of tea.", "", "")]
    broken = [each.reasons[0] for each in propose(HEADED, "paper")[1:]]
    assert broken == ["broken_task"] * 4


def test_a_task_that_follows_inside_an_output_is_a_task() -> None:
    merged = PLAIN.replace("###\n5. ", "5. ")
    assert triples(propose(merged)) == [TEA, SUM]


def test_chinese_labels_are_read() -> None:
    reply = (
        " 写出三种茶。\n4. 输入：\n<无输入>\n4. 输出：\n绿茶、红茶、白茶。\n"
        "###\n5、指令: 计算总和。\n5. 输入:\n3，4\n5. 输出:\n7"
    )
    found = propose(reply, language="zh")
    assert triples(found) == [
        ("写出三种茶。", "", "绿茶、红茶、白茶。"),
        ("计算总和。", "3，4", "7"),
    ]


def test_only_the_last_task_of_a_cut_reply_is_lost() -> None:
    for profile in ("default", "paper"):
        found = propose(Completion(PLAIN, "length"), profile)
        assert triples(found) == [TEA]
        assert found[1].reasons == ("cut_by_length",)


def test_drops_have_names() -> None:
    broken = PLAIN.replace("5. Output:\n7", "")
    assert [each.reasons for each in propose(broken)] == [(), ("broken_task",)]
    unfit = PLAIN.replace("Name three kinds of tea.", "Draw a picture of tea.")
    assert propose(unfit)[0].reasons == ("blacklisted_word",)
    foreign = PLAIN.replace("Name three kinds of tea.", "写出三种茶的名字。")
    assert propose(foreign)[0].reasons == ("wrong_language",)
    assert propose("")[0].reasons == ("broken_task", "empty", "too_short")


def test_the_answer_is_what_came_along_and_costs_no_call() -> None:
    def answered(given: str, output: str) -> tuple[str, ...]:
        candidate = Candidate("Name a tea.", instances=(Instance(given, output),))
        return outcome(configured(Alpaca).answer(candidate)).instances[0].reasons

    assert answered("x", "y") == ()
    assert answered("", "") == ("empty_output", "output_equals_input")
    assert answered("x", "x") == ("output_equals_input",)


def test_only_whole_tasks_are_shown_and_machine_rows_by_their_share() -> None:
    bare = Source(SourceKind.SEED, "bare", "No output here")
    rows = [
        Source(SourceKind.MACHINE, f"m{n}", f"Row {n}", (SeedInstance("", "x"),)) for n in range(9)
    ]
    pool = FakePool([seed(1), bare, seed(2), seed(3), seed(4)], rows)
    seen: Counter[str] = Counter()
    for number in range(300):
        drawn = configured(Alpaca, machine_share=0.5).draw(pool, number, Random(number))
        assert len({each.id for each in drawn}) == 3
        assert bare not in drawn
        seen.update(each.kind for each in drawn)
    assert abs(seen["machine"] / 900 - 0.5) < 0.07
    all_seeds = configured(Alpaca).draw(pool, 0, Random(0))
    assert {each.kind for each in all_seeds} == {SourceKind.SEED}


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("<noinput>", True),
        ("<NoInput>.", True),
        ("No input", True),
        ("N/A", True),
        ("无输入", True),
        ("(no input required)", True),
        ("none of these", False),
        ("input", False),
        ("无人知晓", False),
    ],
)
def test_spellings_of_no_input(text: str, empty: bool) -> None:
    assert without_no_input(text) == ("" if empty else text)


LINE = st.text("abc xyz#*.", min_size=1, max_size=20).map(str.strip).filter(bool)
PROSE = st.lists(LINE, min_size=1, max_size=4).map("\n".join)


@given(st.lists(st.tuples(LINE, PROSE, PROSE), min_size=1, max_size=6), st.integers(1, 90))
def test_what_is_written_in_the_prompts_form_is_read_back(
    tasks: list[tuple[str, str, str]], number: int
) -> None:
    tasks = [(f"Do {a.replace('*', '')} so", f"i {b}", f"{c} o") for a, b, c in tasks]
    reply = "\n###\n".join(
        f"{number}. Instruction: {a}\n{number}. Input:\n{b}\n{number}. Output:\n{c}"
        for a, b, c in tasks
    )
    expected = [Triple(" ".join(a.split()), b, c) for a, b, c in tasks]
    assert list(tolerant_triples(reply, 4, "Instruction:")) == expected
