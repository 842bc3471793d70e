"""Magpie as a conversation: the marks of each family, and what comes back between them."""

from random import Random

import pytest

from app.domain.chat_templates import TEMPLATES, Family
from app.domain.method import Completion
from app.domain.methods.magpie import Magpie
from app.domain.records import Candidate
from tests.domain.playing import FakePool, configured, play

TASK = Candidate("Plan a picnic for nine.")


def test_the_pre_query_is_the_marks_alone() -> None:
    asked = next(configured(Magpie, family="llama3", system_message="").propose((), Random(0)))
    assert asked.text == "<|start_header_id|>user<|end_header_id|>\n\n"
    assert asked.system is None
    assert asked.step == "prequery"
    assert asked.decoding.stop[0] == "<|eot_id|>"
    assert asked.decoding.temperature == 1.0


def test_a_system_message_steers_the_language() -> None:
    asked = next(configured(Magpie, language="zh").propose((), Random(0)))
    assert asked.text.startswith("<|im_start|>system\n你是")
    assert asked.text.endswith("<|im_end|>\n<|im_start|>user\n")
    gemma = next(configured(Magpie, family="gemma", language="zh").propose((), Random(0)))
    assert gemma.text == "<start_of_turn>user\n"


def test_the_answer_is_asked_between_the_marks() -> None:
    method = configured(Magpie, family="mistral")
    prompts, answer = play(method.answer(TASK), " Bring cake. ")
    assert prompts[0].text == "[INST] Plan a picnic for nine. [/INST]"
    assert prompts[0].decoding.temperature == 0
    assert answer.instances[0].output == "Bring cake."


def test_every_mark_can_be_given() -> None:
    method = configured(
        Magpie, user_opens="<u>", assistant_opens="<a>", stop=["</s>"], system_message=""
    )
    prompts, _ = play(method.answer(TASK), "Cake.")
    assert prompts[0].text == "<u>Plan a picnic for nine.<a>"
    assert prompts[0].decoding.stop == ("</s>",)


@pytest.mark.parametrize("family", Family)
def test_every_family_ends_turns_within_what_services_take(family: Family) -> None:
    template = TEMPLATES[family]
    assert 1 <= len(template.stops) <= 4
    assert not template.system or "{{system}}" in template.system
    assert next(configured(Magpie, family=family).propose((), Random(0))).decoding.stop


def test_every_request_has_a_seed_of_its_own_that_can_be_repeated() -> None:
    def seed(number: int, *, sends: bool = True) -> int | None:
        return next(configured(Magpie, send_seed=sends).propose((), Random(number))).decoding.seed

    assert len({seed(number) for number in range(50)}) == 50
    assert seed(1) == seed(1)
    assert seed(1, sends=False) is None
    assert configured(Magpie).draw(FakePool([]), 0, Random(0)) == ()


@pytest.mark.parametrize(
    ("reply", "instruction", "reasons"),
    [
        ("Plan a picnic for nine.\n", "Plan a picnic for nine.", ()),
        ("Plan a picnic.<|im_end|>\n<|im_start|>assistant", "Plan a picnic.", ("too_short",)),
        ("", "", ("empty", "too_short")),
        ("请为九个人安排野餐的计划", "请为九个人安排野餐的计划", ("wrong_language",)),
        ("List:\n\n- ham\n- eggs\n\nSort it.", "List:\n\n- ham\n- eggs\n\nSort it.", ()),
    ],
)
def test_replies(reply: str, instruction: str, reasons: tuple[str, ...]) -> None:
    (found,) = play(configured(Magpie).propose((), Random(0)), reply)[1]
    assert (found.instruction, found.reasons) == (instruction, reasons)


def test_a_cut_instruction_is_dropped() -> None:
    cut = Completion("Plan a very long picnic for", "length")
    (found,) = play(configured(Magpie).propose((), Random(0)), cut)[1]
    assert found.reasons == ("cut_by_length",)
