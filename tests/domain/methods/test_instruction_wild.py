"""InstructionWild as a conversation, on the published seeds of both languages where they are."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from random import Random

import pytest

from app.domain.method import Completion, Decoding
from app.domain.methods.instruction_wild import InstructionWild
from app.domain.records import Candidate, Source, SourceKind
from tests.domain.playing import FakePool, configured, json_lines, needs_data, play

SHOWN = [Source(SourceKind.SEED, str(n), f"Tell me\n about {n}") for n in range(1, 6)]
TASK = Candidate("Plan a picnic for nine.")


def test_the_prompt_lists_five_requests_and_ends_in_a_bare_number() -> None:
    asked = next(configured(InstructionWild).propose(SHOWN, Random(0)))
    assert asked.text.splitlines()[1:] == [f"{n}. Tell me about {n}" for n in range(1, 6)] + ["6."]
    assert asked.version == "instruction_wild/propose.en@1"
    assert asked.decoding == Decoding(2048, 1.0, stop=("\n16.",))
    assert "number 15" in (asked.system or "")


def test_chinese_requests_are_continued_and_judged_in_chinese() -> None:
    method = configured(InstructionWild, language="zh")
    reply = "写一首诗\n7、写诗\n8. 描述这张图片\n9．Tell me a joke now\n10、请介绍一下北京的胡同。"
    prompts, found = play(method.propose(SHOWN, Random(0)), reply)
    assert prompts[0].version == "instruction_wild/propose.zh@1"
    assert [each.reasons for each in found] == [
        (),
        ("too_short",),
        ("blacklisted_phrase",),
        ("wrong_language",),
        (),
    ]


def test_the_answer_is_a_second_call_with_the_request_alone() -> None:
    prompts, answer = play(configured(InstructionWild).answer(TASK), " Bring cake. \n")
    assert [(each.step, each.text, each.system) for each in prompts] == [
        ("answer", "Plan a picnic for nine.", None)
    ]
    (instance,) = answer.instances
    assert (instance.input, instance.output, instance.reasons) == ("", "Bring cake.", ())


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(Completion("Bring", "length"), "cut_by_length"), (Completion(" \n"), "empty_output")],
)
def test_an_answer_that_is_no_answer_is_dropped(reply: Completion, reason: str) -> None:
    _, answer = play(configured(InstructionWild).answer(TASK), reply)
    assert answer.instances[0].reasons == (reason,)


@needs_data
@pytest.mark.parametrize("language", ["en", "zh"])
def test_runs_on_the_published_seeds_of_a_language(language: str) -> None:
    seeds = [
        Source(SourceKind.SEED, str(n), row["instruction"])
        for n, row in enumerate(json_lines(f"instruction_wild/seeds_{language}.jsonl"))
    ]
    assert len(seeds) == 429
    method = configured(InstructionWild, language=language, maximum_length=2000)
    shown: set[str] = set()
    for number in range(200):
        drawn = method.draw(FakePool(seeds), number, Random(number))
        assert len(drawn) == 5
        shown |= {each.id for each in drawn}
        # What real people asked is itself the continuation of a list.
        text = next(method.propose(drawn, Random(0))).text
        assert text.count("\n") == 6
    assert len(shown) > 350
    kept = [each for each in seeds if "wrong_language" not in method.reasons(each.instruction)]
    assert len(kept) >= 0.98 * len(seeds)
