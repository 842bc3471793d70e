"""Rows in the wrong language are dropped by name, whichever method made them."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from random import Random

import pytest

from app.domain.methods.answer import AnswerSeeds
from app.domain.methods.evol_instruct import EvolInstruct
from app.domain.methods.instruction_wild import InstructionWild
from app.domain.profiles import PublishedMethod
from app.domain.records import Answer, Candidate, Instance, Message, Role, Source, SourceKind
from app.domain.row_language import is_foreign_output, judged_language
from tests.domain.playing import configured, play, self_instruct

FOREIGN = ("wrong_language",)
GERMAN = "Nenne drei Gründe, warum Bienen für uns alle wichtig sind."
GERMAN_REPLY = "Bienen bestäuben die Pflanzen, von denen wir und viele andere Tiere leben."
CHINESE = "请列出蜜蜂对我们很重要的三个理由。"


def reasons_of(method: PublishedMethod, text: str, *sources: str) -> tuple[str, ...]:
    (found,) = judged_language(method, [Candidate(text)], sources)
    return found.reasons


def reasons_of_output(
    method: PublishedMethod, instruction: str, output: str, given: str = ""
) -> tuple[str, ...]:
    answer = Answer((Instance(given, output),))
    return judged_language(method, answer, [instruction]).instances[0].reasons


def test_an_instruction_in_another_language_is_dropped() -> None:
    english = self_instruct()
    assert reasons_of(english, GERMAN, "Name a tea.") == FOREIGN
    assert reasons_of(english, CHINESE, "Name a tea.") == FOREIGN
    assert reasons_of(english, "Name three reasons for bees.", "Name a tea.") == ()
    assert reasons_of(english, GERMAN) == FOREIGN
    chinese = self_instruct(language="zh")
    assert reasons_of(chinese, CHINESE, CHINESE) == ()
    assert reasons_of(chinese, "Name three kinds of tea.", CHINESE) == FOREIGN


def test_it_can_be_switched_off_and_is_in_what_was_published() -> None:
    assert reasons_of(self_instruct(check_language=False), GERMAN, "Name a tea.") == ()
    assert reasons_of(self_instruct("paper"), GERMAN, "Name a tea.") == ()


def test_rows_may_be_in_another_language_than_prompts() -> None:
    german = self_instruct(row_language="de-AT")
    assert reasons_of(german, GERMAN, GERMAN) == ()
    assert reasons_of(german, "Name three reasons for keeping bees.", GERMAN) == FOREIGN
    assert reasons_of(self_instruct(row_language="tlh"), GERMAN, "nuqneH") == ()


def test_what_is_made_of_seeds_in_another_language_is_theirs() -> None:
    assert reasons_of(self_instruct(), GERMAN, CHINESE, GERMAN_REPLY, "Name a tea.") == ()
    assert reasons_of(self_instruct(), GERMAN, CHINESE, "Name a tea.") == FOREIGN


def test_a_seed_itself_is_never_dropped() -> None:
    method = configured(AnswerSeeds)
    assert reasons_of(method, GERMAN, GERMAN, "Name a tea.", "Name a fish.") == ()
    assert reasons_of_output(method, GERMAN, GERMAN_REPLY) == ()


def test_what_a_method_said_by_the_text_alone_is_said_again() -> None:
    method = configured(InstructionWild)
    shown = [Source(SourceKind.SEED, str(n), GERMAN) for n in range(5)]
    found = play(method.propose(shown, Random(0)), CHINESE)[1]
    assert found[0].reasons == FOREIGN
    again = judged_language(method, found, [each.instruction for each in shown])
    assert again[0].reasons == ()


@pytest.mark.parametrize(
    ("instruction", "given", "output", "expected"),
    [
        ("Why do bees matter?", "", GERMAN_REPLY, FOREIGN),
        ("Why do bees matter?", "", "因为蜜蜂为植物授粉。", FOREIGN),
        ("Say in German why bees matter.", "", GERMAN_REPLY, ()),
        ("Translate the sentence.", "Bees feed us.", GERMAN_REPLY, ()),
        ("Correct the sentence.", GERMAN, GERMAN_REPLY, ()),
        ("Why do bees matter?", "", "Bees pollinate what we and many beasts live on.", ()),
        ("Sort the cities.", "", "Bern, Zürich, Genf, Lausanne, Sankt Gallen, Winterthur", ()),
        ("Name the plants.", "", "Taraxacum officinale, Quercus robur, Fagus sylvatica", ()),
        ("Write a loop.", "", "für = [1, 2]\nfor x in für:\n    drucke(x)", ()),
        ("What is 2 + 2?", "", "4", ()),
    ],
)
def test_outputs_of_english_tasks(
    instruction: str, given: str, output: str, expected: tuple[str, ...]
) -> None:
    assert reasons_of_output(self_instruct(), instruction, output, given) == expected


@pytest.mark.parametrize(
    ("instruction", "output", "expected"),
    [
        ("蜜蜂为什么重要？", "因为蜜蜂为植物授粉。", ()),
        (
            "蜜蜂为什么重要？",
            "Because they pollinate the plants that we and others live on.",
            FOREIGN,
        ),
        ("蜜蜂为什么重要？", "植物の受粉をしてくれるからです。", FOREIGN),
        ("用英语说说蜜蜂为什么重要。", "Because they pollinate the plants that we live on.", ()),
        ("写一个循环。", "for x in range(10):\n    print(x)", ()),
        ("发明电话的人叫什么？", "Alexander Graham Bell", ()),
        ("二加二等于几？", "4", ()),
    ],
)
def test_outputs_of_chinese_tasks(instruction: str, output: str, expected: tuple[str, ...]) -> None:
    assert reasons_of_output(self_instruct(language="zh"), instruction, output) == expected


def test_a_dialogue_is_judged_by_what_the_assistant_says() -> None:
    turns = ("Why do bees matter?", GERMAN_REPLY)
    messages = (Message(Role.USER, turns[0]), Message(Role.ASSISTANT, turns[1]))
    assert is_foreign_output(turns[0], Instance("", "", messages=messages), "en")
    asked = (Message(Role.USER, GERMAN), Message(Role.ASSISTANT, "They feed us all, all year."))
    assert not is_foreign_output(turns[0], Instance("", "", messages=asked), "en")


def test_a_row_that_is_dropped_already_keeps_its_reason() -> None:
    answer = Answer((Instance("", GERMAN_REPLY, ("cut_by_length",)),))
    judged = judged_language(self_instruct(), answer, ["Why do bees matter?"])
    assert judged.instances[0].reasons == ("cut_by_length",)


def test_an_evolution_that_strays_leaves_its_parent_in_place() -> None:
    method = configured(EvolInstruct, rounds=2, operations=["deepen"], judge=False)
    seed = Source(SourceKind.SEED, "1", "Name three reasons why bees matter.")
    better = "Name three reasons why bees matter to farmers, and rank them."
    prompts, found = play(method.propose([seed], Random(0)), GERMAN, better, "Food, seeds, soil.")
    assert [each.reasons for each in found] == [FOREIGN, ()]
    assert seed.instruction in prompts[1].text
    assert GERMAN not in prompts[1].text
