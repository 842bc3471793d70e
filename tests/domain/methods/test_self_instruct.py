"""Self-Instruct as a conversation: what it asks, and what it makes of the replies."""

from random import Random

import pytest

from app.domain.method import Completion, Decoding
from app.domain.methods import METHODS
from app.domain.methods.self_instruct import SelfInstruct
from app.domain.options import option_fields, parse_options
from app.domain.records import Answer, Candidate, Source, SourceKind
from tests.domain.playing import play, self_instruct

SHOWN = [Source(SourceKind.SEED, str(n), f"Do task\n  number {n}: ") for n in range(1, 9)]
TASK = Candidate("Put the planets in order.")
LIST_REPLY = " Ask NASA about the moon landing.\n10. Sing.\n11. Draw me a small sheep."


def propose(reply: Completion | str, profile: str = "default", **given: object) -> list[Candidate]:
    return list(play(self_instruct(profile, **given).propose(SHOWN, Random(0)), reply)[1])


def answer(*replies: Completion | str, profile: str = "default", **given: object) -> Answer:
    return play(self_instruct(profile, **given).answer(TASK), *replies)[1]


def kept(answer: Answer) -> list[tuple[str, str]]:
    return [(each.input, each.output) for each in answer.instances if not each.dropped]


def test_the_registry_reaches_it() -> None:
    assert METHODS["self_instruct"] is SelfInstruct
    assert set(SelfInstruct.PROFILES) == {"default", "paper"}


def test_every_default_is_a_legal_value() -> None:
    defaults = {field.name: field.default for field in option_fields(SelfInstruct)}
    parsed, problems = parse_options(SelfInstruct, defaults)
    assert problems == ()
    assert parsed == SelfInstruct() == self_instruct("default")


def test_the_paper_profile_asks_as_published() -> None:
    paper = self_instruct("paper")
    asked = next(paper.propose(SHOWN, Random(0)))
    assert asked.decoding == Decoding(
        max_tokens=1024,
        temperature=0.7,
        top_p=0.5,
        presence_penalty=2.0,
        frequency_penalty=0.0,
        stop=("\n\n", "\n16", "16.", "16 ."),
    )
    classified, answered = play(paper.answer(TASK), " No", "Output: x")[0]
    assert classified.decoding == Decoding(3, 0.0, 0.0, 0.0, 0.0, ("\n", "Task"))
    assert answered.decoding == Decoding(350, 0.0, 0.0, 1.5, 0.0, ("Example 6", "Task:"))
    labelled = play(paper.answer(TASK), " Yes", "Class label: x")[0][1]
    assert labelled.decoding.max_tokens == 300
    assert {asked.system, classified.system, answered.system} == {None}
    assert (paper.threshold, paper.exact_duplicates, paper.order, paper.round_size) == (
        0.7,
        False,
        "strict",
        5,
    )
    assert (paper.instructions_shown, paper.machine_instructions) == (8, 2)


@pytest.mark.parametrize("profile", ["paper", "default"])
def test_the_list_ends_in_a_bare_number(profile: str) -> None:
    asked = next(self_instruct(profile).propose(SHOWN, Random(0)))
    lines = asked.text.splitlines()
    assert lines[1:] == [f"{n}. Do task number {n}" for n in range(1, 9)] + ["9."]
    assert asked.text.endswith("\n9.")
    assert (asked.step, asked.version) == ("propose", "self_instruct/propose.en@1")


def test_the_default_profile_guides_chats_and_spares_prices() -> None:
    asked = next(self_instruct().propose(SHOWN, Random(0)))
    assert asked.system is not None
    assert "number 15" in asked.system
    assert asked.decoding.stop == ("\n16",)
    few = next(self_instruct(new_instructions=3).propose(SHOWN[:2], Random(0)))
    assert few.decoding.stop == ("\n6",)
    assert few.text.endswith("\n3.")


def test_classification_only_asks_for_classification() -> None:
    asked = next(self_instruct("paper", classification_only=True).propose(SHOWN, Random(0)))
    assert asked.version == "self_instruct/propose_classification.en@1"
    assert "label" in asked.text.splitlines()[0]


def test_placeholders_in_instructions_are_left_alone() -> None:
    source = Source(SourceKind.SEED, "1", "Explain {{next}} and {{tasks}}")
    asked = next(self_instruct().propose([source], Random(0)))
    assert "1. Explain {{next}} and {{tasks}}\n2." in asked.text


def test_candidates_carry_their_reasons() -> None:
    assert propose(LIST_REPLY) == [
        Candidate("Ask NASA about the moon landing."),
        Candidate("Sing.", None, ("too_short",)),
        Candidate("Draw me a small sheep.", None, ("blacklisted_word",)),
    ]
    assert propose(LIST_REPLY, "paper")[0] == Candidate("Ask nasa about the moon landing.")


def test_a_cut_list_loses_all_as_published_and_only_its_last_item_by_default() -> None:
    cut = Completion(" Sing a very long song.\n10. Tell me a tall tale.\n11. Explain", "length")
    assert [each.reasons for each in propose(cut, "paper")] == [
        ("cut_by_length",),
        ("cut_by_length",),
        ("cut_by_length", "too_short"),
    ]
    assert [each.reasons for each in propose(cut)] == [(), (), ("cut_by_length", "too_short")]


def test_talk_is_named_and_a_failed_reply_is_empty() -> None:
    talk = propose(
        "Sure, here are more tasks:\n9. Tell me a tall tale.\n\nLet me know if you like more."
    )
    assert [each.reasons for each in talk] == [("chatter",), (), ("chatter",)]
    assert [each.reasons for each in propose("")] == [("empty", "too_short")]
    assert [each.reasons for each in propose("", "paper")] == [("empty", "too_short")]


@pytest.mark.parametrize(
    ("instruction", "paper", "default"),
    [
        ("Tell me a tall tale.", None, None),
        ("write a PROGRAM that can sing.", "forbidden_start", "forbidden_start"),
        ("(Tell) me a tall tale.", "punctuation_start", "punctuation_start"),
        ("\u00c9cris un po\u00e8me sur la pluie", "non_ascii_start", None),
        ("\u8bf7\u5199\u4e00\u9996\u77ed\u8bd7", "too_short", None),
        (" ".join(["word"] * 150), None, None),
        (" ".join(["word"] * 151), "too_long", "too_long"),
    ],
)
def test_filters_by_profile(instruction: str, paper: str | None, default: str | None) -> None:
    for profile, expected in (("paper", paper), ("default", default)):
        (candidate,) = propose(instruction, profile)
        assert (candidate.reasons or (None,))[0] == expected


def test_filters_can_be_set() -> None:
    given = {"blacklist": ["tale"], "minimum_words": 1, "maximum_words": 4, "forbidden_starts": []}
    reply = " Draw.\n10. Tell a tale.\n11. Write a program now.\n12. (Go) on and on and on."
    found = propose(reply, punctuation_start=False, **given)
    assert [each.reasons for each in found] == [(), ("blacklisted_word",), (), ("too_long",)]


def test_classification_is_asked_first_and_picks_the_prompt() -> None:
    prompts, result = play(
        self_instruct().answer(TASK), "No.", "Example 1\nList: Mars, Venus\nOutput: Venus, Mars"
    )
    assert [each.step for each in prompts] == ["classify", "answer"]
    assert prompts[0].text.endswith("Task: Put the planets in order.\nIs it classification?")
    assert prompts[1].version == "self_instruct/answer_input_first.en@1"
    assert prompts[1].text.endswith("\n\nTask: Put the planets in order.\n")
    assert result.is_classification is False
    assert kept(result) == [("List: Mars, Venus", "Venus, Mars")]


def test_a_yes_asks_for_the_label_first() -> None:
    prompts, result = play(
        self_instruct().answer(TASK), "Yes, this", "Class label: far\nPlanet: Uranus"
    )
    assert prompts[1].version == "self_instruct/answer_output_first.en@1"
    assert result.is_classification is True
    assert kept(result) == [("Planet: Uranus", "far")]


def test_a_known_kind_is_not_asked_again() -> None:
    known = Candidate("Put the planets in order.", is_classification=True)
    prompts, result = play(self_instruct().answer(known), "Class label: far")
    assert [each.step for each in prompts] == ["answer"]
    assert kept(result) == [("", "far")]


def test_an_unclear_verdict_is_answered_or_dropped_but_never_a_no() -> None:
    answered = answer("To determine if", "Output: Mercury first.")
    assert answered.is_classification is None
    assert kept(answered) == [("", "Mercury first.")]
    dropped = answer("", unclear_classification="drop")
    assert [each.reasons for each in dropped.instances] == [("unclear_classification",)]
    assert answer("", "Output: Mercury first.", profile="paper").is_classification is False


def test_a_reply_in_the_other_form_is_read_by_default() -> None:
    labels, example = "Class label: far\nPlanet: Uranus", "Example 1\nText: x\nOutput: y"
    assert kept(answer("No", labels)) == [("Planet: Uranus", "far")]
    assert kept(answer("Yes", example)) == [("Text: x", "y")]
    assert kept(answer("No", labels, profile="paper")) == []
    assert kept(answer("Yes", example, profile="paper")) == []


@pytest.mark.parametrize("profile", ["paper", "default"])
def test_a_cut_answer_loses_its_last_instance_before_the_filters(profile: str) -> None:
    cut = Completion("Example 1\nText: a\nOutput: b\nExample 2\nText: c\nOutput:", "length")
    found = answer("No", cut, profile=profile)
    assert found.instances[0].reasons == ()
    assert found.instances[1].reasons == ("cut_by_length",)
    lone = answer("No", Completion("Output: a long tale that", "length"), profile=profile)
    assert [each.reasons for each in lone.instances] == [("cut_by_length",)]
    conflict = Completion(
        "Example 1\nInput: a\nOutput: b\nExample 2\nInput: a\nOutput: c", "length"
    )
    assert kept(answer("No", conflict, profile=profile)) == [("a", "b")]


@pytest.mark.parametrize("profile", ["paper", "default"])
def test_group_rules_apply(profile: str) -> None:
    same = "Example 1\nInput: a\nOutput: b\nExample 2\nInput: a\nOutput: {}"
    assert kept(answer("No", same.format("b"), profile=profile)) == [("a", "b")]
    assert kept(answer("No", same.format("c"), profile=profile)) == []
    many = "".join(f"Class label: kind {n}\nText: {n}\n" for n in range(8))
    found = answer("Yes", many, profile=profile)
    assert len(kept(found)) == 5
    assert [each.reasons for each in found.instances].count(("too_many_instances",)) == 3
    assert found == answer("Yes", many, profile=profile)
    assert len(kept(answer("Yes", many, profile=profile, max_instances=8))) == 8


def test_an_answer_without_marks_is_counted() -> None:
    assert [each.reasons for each in answer("No", "Mercury first.").instances] == [
        ("no_instances",)
    ]


def test_a_sentence_with_example_is_torn_only_as_published() -> None:
    reply = "Output: Take this Example to heart."
    assert kept(answer("No", reply)) == [("", "Take this Example to heart.")]
    assert kept(answer("No", reply, profile="paper")) == [("", "Take this"), ("", "to heart.")]


def test_few_shot_examples_can_be_fewer() -> None:
    method = self_instruct(classify_yes_examples=1, classify_no_examples=2, input_first_examples=3)
    prompts, _ = play(method.answer(TASK), "No", "Output: x")
    assert prompts[0].text.count("classification? Yes") == 1
    assert prompts[0].text.count("classification? No\n") == 2
    assert prompts[1].text.count("Task: ") == 4
    full, _ = play(self_instruct().answer(TASK), "Yes", "Class label: x")
    assert full[0].text.count("Is it classification?") == 32
    assert full[1].text.count("Task: ") == 17


def test_a_reasoning_model_may_think_aloud() -> None:
    found = answer("<think>Hm, no labels? Or yes?</think>\nNo", "<think>x</think>Output: y")
    assert found.is_classification is False
    assert kept(found) == [("", "y")]


def test_conversations_are_deterministic() -> None:
    method = self_instruct()
    first = [each.digest for each in play(method.answer(TASK), "No", "Output: x")[0]]
    again = [each.digest for each in play(method.answer(TASK), "No", "Output: x")[0]]
    assert first == again
    assert len(set(first)) == 2
