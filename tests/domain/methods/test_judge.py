"""Rows judged: what is asked, what is read, samples that fail, dialogues, thresholds, rewards."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from app.domain.judging import judgement_of
from app.domain.materials import MixedSource, MixedSources
from app.domain.method import Decoding
from app.domain.methods.judge import JudgeRows
from app.domain.records import Candidate, Instance, Message, Role, SourceKind
from tests.domain.playing import FakePool, configured, outcome, play

CAME = {"from_job": "1", "from_row": "2"}
ROW = Instance("b a", "a b", facts=CAME)
TALK = Instance(
    "",
    "Hello to you.",
    messages=(
        Message(Role.USER, "Hello."),
        Message(Role.ASSISTANT, "Hello to you."),
        Message(Role.USER, "And now?"),
        Message(Role.ASSISTANT, "Now we sing."),
    ),
    facts=CAME,
)


def reply(*scores: int) -> str:
    names = ("instruction", "correctness", "completeness", "clarity")
    told = ", ".join(f'"{name}": {score}' for name, score in zip(names, scores, strict=True))
    return f'{{{told}, "reason": "none"}}'


def judged(row: Instance, *replies: str, **options: Any) -> Instance:
    method = configured(JudgeRows, **options)
    _, answer = play(method.answer(Candidate("Sort.", instances=(row,))), *replies)
    (found,) = answer.instances
    return found


def test_the_rows_of_an_instruction_come_along_without_a_call() -> None:
    source = MixedSource(SourceKind.ROW, "2", "Sort.", row=ROW)
    group = MixedSources(SourceKind.ROW, "2", "Sort.", rows=(source, source))
    method, pool = configured(JudgeRows), FakePool([group])
    drawn = method.draw(pool, 0, Random(0))
    assert (drawn, method.draw(pool, 1, Random(0))) == ((source, source), None)
    (candidate,) = outcome(method.propose(drawn or (), Random(0)))
    assert (candidate.instruction, candidate.instances) == ("Sort.", (ROW, ROW))


def test_a_rubric_is_asked_for_with_the_whole_row() -> None:
    method = configured(JudgeRows, send_seed=True, samples=2)
    prompts, answer = play(
        method.answer(Candidate("Sort.", instances=(ROW,))), reply(5, 4, 4, 5), reply(5, 2, 4, 5)
    )
    text = prompts[0].text
    for part in ("Sort.\n\nb a", "a b", "- clarity: it is well", "from 1 (poor) to 5"):
        assert part in text
    assert [each.decoding for each in prompts] == [Decoding(512, 0.3, seed=n) for n in (0, 1)]
    assert (prompts[0].step, prompts[0].version) == ("rubric", "judge/rubric.en@1")
    (found,) = answer.instances
    assert (found.input, found.output, found.reasons) == ("b a", "a b", ())
    judgement = judgement_of(found.facts)
    assert judgement is not None
    assert judgement.scores["correctness"] == [4, 2]
    assert (found.facts["score"], found.facts["from_row"]) == ("4.25", "2")


def test_samples_that_cannot_be_read_count_for_nothing() -> None:
    found = judged(ROW, "What?", reply(1, 2, 3, 4), samples=2)
    judgement = judgement_of(found.facts)
    assert judgement is not None
    assert judgement.scores["clarity"] == [4]
    before = replace(ROW, facts={**CAME, "score": "5", "scores": '{"x": [5]}'})
    none = judged(before, "What?", reply(1, 2, 3, 6), samples=2)
    assert (none.reasons, none.facts) == (("not_judged",), CAME)


@pytest.mark.parametrize(("least", "reasons"), [(4.0, ("below_score",)), (2.5, ())])
def test_a_threshold_drops_the_copy_and_keeps_its_scores(
    least: float, reasons: tuple[str, ...]
) -> None:
    found = judged(ROW, reply(1, 2, 3, 4), min_score=least)
    assert found.reasons == reasons
    assert found.facts["score"] == "2.5"


def test_of_a_dialogue_the_last_answer_is_judged() -> None:
    prompts, _ = play(
        configured(JudgeRows).answer(Candidate("Hello.", instances=(TALK,))), reply(1, 1, 1, 1)
    )
    asked, _, answered = prompts[0].text.partition("<answer>")
    assert "User: Hello.\n\nAssistant: Hello to you.\n\nUser: And now?" in asked
    assert answered.startswith("\nNow we sing.\n")
    assert "Now we sing." not in asked


def test_a_reward_model_gets_the_row_in_its_parts() -> None:
    method = configured(JudgeRows, scorer="reward", samples=2)
    prompts, answer = play(method.answer(Candidate("Sort.", instances=(ROW,))), "-2.5", "x:1")
    assert prompts[0].rated is not None
    assert (prompts[0].rated.instruction, prompts[0].rated.input) == ("Sort.", "b a")
    assert prompts[0].rated.output == "a b"
    (found,) = answer.instances
    judgement = judgement_of(found.facts)
    # Every sample must name the same things.
    assert judgement is not None
    assert judgement.scores == {"reward": [-2.5]}


def test_criteria_and_scale_are_the_users_own() -> None:
    method = configured(JudgeRows, criteria=["tone: kind?"], lowest=0, highest=10)
    prompts, answer = play(
        method.answer(Candidate("Sort.", instances=(ROW,))), '{"tone": 9, "clarity": 1}'
    )
    assert "- tone: kind?" in prompts[0].text
    assert "from 0 (poor) to 10" in prompts[0].text
    assert answer.instances[0].facts["score"] == "9"


def test_the_chinese_rubric_speaks_chinese() -> None:
    method = configured(JudgeRows, language="zh")
    prompt = next(method.answer(Candidate("排序。", instances=(ROW,))))
    assert prompt.version == "judge/rubric.zh@1"
    assert "- clarity: 条理清楚" in prompt.text
