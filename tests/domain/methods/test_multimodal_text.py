"""Image data from captions and boxes: three kinds, each with its image, none that gives it away."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from collections.abc import Sequence
from random import Random

import pytest

from app.domain.method import Completion, Prompt
from app.domain.methods.multimodal_text import MultimodalText
from app.domain.parsing.questions import question_pairs
from app.domain.records import Candidate, Message, Role, Source, SourceKind
from app.domain.seed_rows import parse_seed
from tests.domain.playing import FakePool, configured, outcome, play

IMAGE = {
    "image": "street/7.jpg",
    "captions": ["A dog waits at a door.", "Rain on a street."],
    "boxes": [{"label": "dog", "box": [0.1, 0.5, 0.25, 1]}],
}
SOURCE = Source(
    SourceKind.SEED,
    "1",
    "A dog waits at a door.\nRain on a street.\ndog: [0.1, 0.5, 0.25, 1]",
    name="street/7.jpg",
)
TALK = "Question: What waits?\nAnswer: A dog.\n\nQuestion: Where?\nAnswer: At a door."
WHY = "Question: Why does it wait?\nAnswer: It rains, so it wants in."


def make(
    *replies: Completion | str, language: str = "en"
) -> tuple[list[Prompt], Sequence[Candidate]]:
    return play(
        configured(MultimodalText, language=language).propose([SOURCE], Random(0)), *replies
    )


def test_an_image_is_a_seed_with_its_reference() -> None:
    seed, problems = parse_seed(IMAGE)
    assert problems == ()
    assert seed is not None
    assert (seed.instruction, seed.name) == (SOURCE.instruction, "street/7.jpg")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"image": ""}, "/image"),
        ({"image": 7}, "/image"),
        ({"captions": "A dog."}, "/captions"),
        ({"captions": [7]}, "/captions/0"),
        ({"boxes": [{"label": "dog", "box": [1, 2, 3]}]}, "/boxes/0"),
        ({"boxes": [{"label": "dog", "box": [1, 2, 3, True]}]}, "/boxes/0"),
        ({"boxes": ["dog"]}, "/boxes/0"),
        ({"captions": [], "boxes": []}, "/captions"),
    ],
)
def test_what_is_wrong_with_an_image_is_named(change: dict[str, object], pointer: str) -> None:
    seed, problems = parse_seed({**IMAGE, **change})
    assert seed is None
    assert pointer in [each.pointer for each in problems]


def test_three_kinds_are_made_of_every_image() -> None:
    prompts, found = make(TALK, "A wet dog at a door.", WHY)
    assert [each.step for each in prompts] == ["questions", "answer", "questions"]
    assert all(SOURCE.instruction in each.text for each in prompts)
    talk, description, reasoning = found
    assert [each.facts for each in found] == [
        {"image": "street/7.jpg", "kind": kind}
        for kind in ("conversation", "description", "reasoning")
    ]
    assert talk.instruction == "What waits?"
    assert talk.instances[0].messages == (
        Message(Role.USER, "What waits?"),
        Message(Role.ASSISTANT, "A dog."),
        Message(Role.USER, "Where?"),
        Message(Role.ASSISTANT, "At a door."),
    )
    assert description.instances[0].output == "A wet dog at a door."
    assert description.instruction not in prompts[1].text
    assert reasoning.instruction == "Why does it wait?"
    assert reasoning.instances[0].messages == ()
    answer = outcome(configured(MultimodalText).answer(talk))
    assert answer.instances == talk.instances


def test_chinese_images_are_asked_about_in_chinese() -> None:
    reply = "问题：谁在等？\n回答：一只狗。"
    prompts, found = make(reply, "一只狗。", reply, language="zh")
    assert all(each.version.split("@")[0].endswith(".zh") for each in prompts)
    assert found[0].instruction == "谁在等？"
    assert not any(each.dropped for each in found)


@pytest.mark.parametrize(
    "answer",
    ["The caption says a dog.", "It stands at [0.1, 0.5, 0.25, 1].", "In its bounding box."],
)
def test_what_speaks_of_the_text_is_dropped(answer: str) -> None:
    talk = f"{TALK}\n\nQuestion: What else?\nAnswer: {answer}"
    _, found = make(talk, answer, WHY)
    assert [each.reasons for each in found] == [
        ("speaks_of_captions",),
        ("speaks_of_captions",),
        (),
    ]


def test_what_is_cut_or_missing_is_dropped() -> None:
    _, found = make(Completion(TALK, "length"), Completion("A wet", "length"), "I cannot.")
    assert len(found[0].instances[0].messages) == 2
    assert [each.reasons for each in found] == [(), ("cut_by_length",), ("no_question",)]


def test_kinds_can_be_chosen_and_images_are_used_once() -> None:
    method = configured(MultimodalText, kinds=["reasoning"])
    assert len(play(method.propose([SOURCE], Random(0)), WHY)[1]) == 1
    pool = FakePool([Source(SourceKind.SEED, "2", "No image"), SOURCE])
    assert method.draw(pool, 0, Random(0)) == [SOURCE]
    assert method.draw(pool, 1, Random(0)) is None


@pytest.mark.parametrize(
    "reply",
    [
        "Question: Q?\nAnswer: A.",
        "**Question:** Q?\n**Answer:** A.",
        "1. Question: Q?\nAnswer: A.",
        "Q: Q?\nA: A.",
        "Question 1: Q?\nAnswer 1: A.",
        "Here you are:\n\nQuestion: Q?\n\nAnswer: A.",
        "问题：Q?\n答案：A.",
    ],
)
def test_forms_of_pairs(reply: str) -> None:
    assert list(question_pairs(reply)) == [("Q?", "A.")]
