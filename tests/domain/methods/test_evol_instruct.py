"""Evol-Instruct as a conversation: rounds, lineage, and what eliminates an evolved instruction."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import pytest

from app.domain.copying import copies_answer
from app.domain.elimination import (
    has_no_content,
    is_refusal,
    is_unchanged,
    leaks_prompt,
    without_mark,
)
from app.domain.language import Language
from app.domain.method import Completion, Decoding, Prompt
from app.domain.methods.evol_instruct import BREADTH, DEPTH, EvolInstruct
from app.domain.parsing.equality import says_equal
from app.domain.profiles import configure
from app.domain.records import Candidate, SeedInstance, Source, SourceKind
from tests.domain.playing import FakePool, configured, outcome

SEED = Source(SourceKind.SEED, "1", "Plan a picnic.", (SeedInstance("for nine", "x"),))


def evolve(
    method: EvolInstruct, replies: Iterator[str | Completion], rng: Random | None = None
) -> tuple[list[Prompt], Sequence[Candidate]]:
    """Play one line of descent with replies as they are asked for."""
    conversation = method.propose([SEED], rng or Random(0))
    prompts = [next(conversation)]
    while True:
        reply = next(replies)
        completion = Completion(reply, "stop") if isinstance(reply, str) else reply
        try:
            prompts.append(conversation.send(completion))
        except StopIteration as stop:
            return prompts, stop.value


def replying(*replies: str) -> tuple[list[Prompt], Sequence[Candidate]]:
    return evolve(configured(EvolInstruct, rounds=1), iter(replies))


def teacher() -> Iterator[str]:
    """Answers every step as it should be: each task carries its generation."""
    generation = 0
    while True:
        generation += 1
        yield f"Plan picnic number {generation}."
        yield "Not Equal"
        yield "Bring cake and lemonade for everybody who comes along."


def test_a_tree_has_every_round_with_its_parent() -> None:
    prompts, children = evolve(configured(EvolInstruct), teacher())
    assert [each.step for each in prompts] == ["evolve", "judge", "answer"] * 4
    assert [each.facts["round"] for each in children] == ["1", "2", "3", "4"]
    assert [each.parent for each in children] == [None, 0, 1, 2]
    assert all(not each.dropped for each in children)
    evolved = [each.text for each in prompts if each.step == "evolve"]
    assert "Plan a picnic.\nfor nine" in evolved[0]
    for number, text in enumerate(evolved[1:], 1):
        assert f"Plan picnic number {number}." in text
    answer = outcome(configured(EvolInstruct).answer(children[-1]))
    assert answer.instances[0].output.startswith("Bring cake")


def test_the_released_code_runs_one_round_without_a_judge() -> None:
    method = configured(EvolInstruct, "released_code")
    prompts, children = evolve(method, iter(["Plan ten picnics.", "Bring a cake."]))
    assert [each.step for each in prompts] == ["evolve", "answer"]
    assert prompts[0].decoding == Decoding(2048, 1.0, 0.95)
    assert prompts[0].system == "You are a helpful assistant."
    assert prompts[1].text == "Plan ten picnics."
    assert [each.reasons for each in children] == [()]


def test_what_is_eliminated_leaves_its_parent_for_the_next_round() -> None:
    replies = ["Plan a grand picnic.", "Equal", "Plan a wet picnic.", "Not Equal", "Take coats."]
    replies += ["plan a WET picnic.", "Plan a dry picnic.", "Not Equal", "I am sorry, no."]
    prompts, children = evolve(configured(EvolInstruct), iter(replies))
    assert [each.reasons for each in children] == [
        ("equal_to_parent",),
        (),
        ("unchanged",),
        ("short_refusal",),
    ]
    assert [each.parent for each in children] == [None, None, 1, 1]
    evolved = [each.text for each in prompts if each.step == "evolve"]
    assert "Plan a picnic.\nfor nine" in evolved[1]
    assert "Plan a wet picnic." in evolved[3]


def test_what_the_text_shows_is_not_judged_or_answered() -> None:
    for text, reason in [
        (" ", "empty"),
        ("PLAN a picnic.\nFor nine", "unchanged"),
        ("Make the given prompt longer.", "leaked_prompt"),
    ]:
        prompts, children = replying(text)
        assert len(prompts) == 1
        assert children[0].reasons[0] == reason
    prompts, (child,) = evolve(
        configured(EvolInstruct, rounds=1), iter([Completion("Plan a", "length")])
    )
    assert (len(prompts), child.reasons) == (1, ("cut_by_length",))


def test_the_operations_are_drawn_uniformly() -> None:
    counts: Counter[str] = Counter()
    for number in range(400):
        _, children = evolve(configured(EvolInstruct), teacher(), Random(number))
        counts.update(each.facts["operation"] for each in children)
    assert set(counts) == {*DEPTH, BREADTH}
    expected = sum(counts.values()) / 6
    chi_square = sum((each - expected) ** 2 / expected for each in counts.values())
    assert chi_square < 20.5  # five degrees of freedom, p = 0.001


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("operation", [*DEPTH, BREADTH])
def test_each_operation_has_its_words(language: str, operation: str) -> None:
    method = configured(EvolInstruct, language=language, operations=[operation])
    asked = next(method.propose([SEED], Random(0)))
    step = "invent" if operation == BREADTH else "evolve"
    assert asked.version == f"evol_instruct/{step}.{language}@1"
    assert "{{" not in asked.text
    assert f"{operation}:" not in asked.text


def test_unknown_operations_are_refused() -> None:
    for wrong in (["deepen", "shorten"], []):
        method, (problem,) = configure(EvolInstruct, "default", {"operations": wrong})
        assert method is None
        assert "constraint, deepen" in problem.detail


def test_seeds_are_evolved_one_after_the_other_and_over_again() -> None:
    pool = FakePool([SEED, Source(SourceKind.SEED, "2", "Sing.")])
    drawn = [configured(EvolInstruct).draw(pool, n, Random(n))[0].id for n in range(5)]
    assert drawn == ["1", "2", "1", "2", "1"]


WORDS = "sorry " + " ".join(["word"] * 78)


@pytest.mark.parametrize(
    ("response", "instructions", "refused"),
    [
        ("I am sorry, I cannot do that.", ["Plan a picnic."], True),
        ("Sorry!", ["Plan a picnic."], True),
        (WORDS, ["Plan a picnic."], True),
        (WORDS + " word", ["Plan a picnic."], False),
        (WORDS + " word word", ["Plan a picnic."], False),
        ("Dear Ann, I am sorry.", ["Write a note that says sorry."], False),
        ("Dear Ann, I am sorry.", ["Write a short note.", "Say sorry in a note."], False),
        ("What a sorryful day", ["Plan a picnic."], False),
        ("Bring cake.", ["Plan a picnic."], False),
    ],
)
def test_short_refusals(response: str, instructions: list[str], refused: bool) -> None:
    assert is_refusal(response, instructions, Language.ENGLISH) is refused


def test_chinese_refusals() -> None:
    assert is_refusal("很抱歉，我无法完成。", ["写诗"], Language.CHINESE)
    assert not is_refusal("很抱歉，" + "好" * 80, ["写诗"], Language.CHINESE)
    assert not is_refusal("很抱歉。", ["写一封表示抱歉的信"], Language.CHINESE)


@pytest.mark.parametrize(
    ("response", "empty"),
    [
        ("", True),
        ("...!", True),
        ("It is what it is.", True),
        ("的了。", True),
        ("Yes.", True),
        ("Cake.", False),
        ("7", False),
        ("好的", False),
    ],
)
def test_responses_without_content(response: str, empty: bool) -> None:
    assert has_no_content(response) is empty


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        ("Rewrite the given prompt.", True),
        ("#Rewritten Prompt#: Plan", True),
        ("The rewritten task is to plan.", True),
        ("A created prompt", True),
        ("改写后的任务是", True),
        ("Give a prompt answer to the task.", False),
        ("Plan a rewritten play.", False),
        ("Given a prompt list, sort it.", False),
    ],
)
def test_leaked_words(text: str, leaks: bool) -> None:
    assert leaks_prompt(text) is leaks


@pytest.mark.parametrize(
    "reply",
    [
        "#Rewritten task#:\nPlan.",
        "**#Rewritten Task#:** Plan.",
        "#Created task#: Plan.",
        "#改写后的任务#：Plan.",
        "### Rewritten task:\nPlan.",
        "Plan.",
    ],
)
def test_a_repeated_heading_comes_off(reply: str) -> None:
    assert without_mark(reply) == "Plan."


ANSWER = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize(
    ("instruction", "response", "copied"),
    [
        (f"Count. {ANSWER}", ANSWER, True),
        (f"Count. {ANSWER.upper()}!", ANSWER, True),
        (f"Count: {ANSWER.replace(' ten', '')}", ANSWER, True),
        (f"Mend: {ANSWER.replace('five', 'fife')}", ANSWER, False),
        ("Is it yes or no or so?", "yes or no", False),
        ("Count to ten.", ANSWER, False),
        ("请改写：今天天气很好我们去公园玩", "今天天气很好我们去公园玩", True),
    ],
)
def test_copied_answers(instruction: str, response: str, copied: bool) -> None:
    assert copies_answer(instruction, response) is copied


@pytest.mark.parametrize(
    ("reply", "equal"),
    [
        ("Equal", True),
        ("Equal.", True),
        ("Not Equal", False),
        ("**Not Equal**", False),
        ("They are not equal, although both are equally long.", False),
        ("相同", True),
        ("不相同", False),
        ("<think>Equal?</think>Not Equal", False),
        ("Perhaps", None),
        ("", None),
    ],
)
def test_verdicts_on_equality(reply: str, equal: bool | None) -> None:
    assert says_equal(reply) is equal


def test_only_case_and_space_is_no_change() -> None:
    assert is_unchanged("Plan  a\npicnic", "plan a picnic")
    assert not is_unchanged("Plan a picnic!", "Plan a picnic")
