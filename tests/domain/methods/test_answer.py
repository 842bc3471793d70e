"""Hand-written instructions: proposed without a call, answered once or often, the best kept."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from random import Random

import pytest

from app.domain.method import Completion
from app.domain.methods.answer import AnswerSeeds
from app.domain.parsing.choice import chosen_number
from app.domain.records import Candidate, SeedInstance, Source, SourceKind
from tests.domain.playing import FakePool, configured, outcome, play

SEED = Source(
    SourceKind.SEED, "1", "Sort the words.", (SeedInstance("b a", "a b"), SeedInstance("d c", ""))
)
BARE = Source(SourceKind.SEED, "2", "Sing.")


def candidate(seed: Source = BARE) -> Candidate:
    (found,) = outcome(configured(AnswerSeeds).propose([seed], Random(0)))
    return found


def test_every_seed_is_drawn_once_and_proposed_as_it_is() -> None:
    method, pool = configured(AnswerSeeds), FakePool([SEED, BARE])
    assert [method.draw(pool, n, Random(n)) for n in range(4)] == [[SEED], [BARE], None, None]
    assert not AnswerSeeds.SEEDS_IN_POOL
    assert candidate().instruction == "Sing."
    assert [each.input for each in candidate(SEED).instances] == ["b a", "d c"]


def test_an_instruction_is_sent_alone_and_with_each_of_its_inputs() -> None:
    prompts, answer = play(configured(AnswerSeeds).answer(candidate()), "La.")
    assert [each.text for each in prompts] == ["Sing."]
    assert [(each.input, each.output) for each in answer.instances] == [("", "La.")]
    prompts, answer = play(configured(AnswerSeeds).answer(candidate(SEED)), "a b", "c d")
    assert [each.text for each in prompts] == ["Sort the words.\n\nb a", "Sort the words.\n\nd c"]
    assert [(each.input, each.output) for each in answer.instances] == [
        ("b a", "a b"),
        ("d c", "c d"),
    ]


def test_a_system_message_goes_with_every_answer() -> None:
    method = configured(AnswerSeeds, system_prompt="You are {{terse}}.", samples=2)
    prompts, _ = play(method.answer(candidate()), "La.", "Lo.")
    assert [each.system for each in prompts] == ["You are {{terse}}."] * 2


def test_samples_are_rows_and_equal_ones_are_one() -> None:
    method = configured(AnswerSeeds, samples=4, send_seed=True)
    replies = ("La.", "Lo.", " La.", Completion("Lu", "length"))
    prompts, answer = play(method.answer(candidate()), *replies)
    assert [each.decoding.seed for each in prompts] == [0, 1, 2, 3]
    assert [each.reasons for each in answer.instances] == [
        (),
        (),
        ("duplicate_instance",),
        ("cut_by_length",),
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_best_is_kept_and_the_others_are_named(language: str) -> None:
    method = configured(AnswerSeeds, samples=3, keep="best", language=language)
    prompts, answer = play(method.answer(candidate()), "La.", "", "Lo.", "Best: 2")
    assert [each.step for each in prompts] == ["answer", "answer", "answer", "judge"]
    assert prompts[-1].decoding.temperature == 0
    assert [each.reasons for each in answer.instances] == [("not_best",), ("empty_output",), ()]
    _, answer = play(method.answer(candidate()), "La.", "Lu.", "Lo.", "I cannot say.")
    assert [each.reasons for each in answer.instances] == [(), ("not_judged",), ("not_judged",)]


def test_a_lone_answer_is_not_judged() -> None:
    method = configured(AnswerSeeds, samples=2, keep="best")
    prompts, answer = play(method.answer(candidate()), "La.", "La.")
    assert [each.step for each in prompts] == ["answer", "answer"]
    assert [each.reasons for each in answer.instances] == [(), ("duplicate_instance",)]


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        ("Best: 2", 2),
        ("**Best:** 3", 3),
        ("2", 2),
        ("(2).", 2),
        ("Answer 1 is shorter, but the best answer is Answer 3.", 3),
        ("最佳：2", 2),
        ("最好的回答是 1", 1),
        ("<think>Best: 1</think>Best: 2", 2),
        ("Best: 9", None),
        ("Both are fine.", None),
        ("There are 2 answers.", None),
        ("", None),
    ],
)
def test_verdicts(reply: str, number: int | None) -> None:
    assert chosen_number(reply, 3) == number
