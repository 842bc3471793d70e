"""Replaying recorded runs gives the published decisions; the default profile loses none."""

import pytest

from app.domain.replay import (
    ClassificationReply,
    InstanceReply,
    InstructionReplay,
    InstructionReply,
    replay_answers,
    replay_instructions,
)
from app.domain.rouge import rouge_l
from app.domain.tokens import rouge_tokens
from tests.domain.playing import RUNS, json_lines, needs_data, self_instruct

SEEDS = ["Name the colours of the rainbow in order.", "Give me advice on buying a used bicycle."]


def replay_run(run: str, profile: str) -> InstructionReplay:
    replies = [
        InstructionReply(row["reply"], row["finish_reason"], row["prompt"])
        for row in json_lines(f"recorded/{run}/instruction_replies.jsonl")
    ]
    return replay_instructions(self_instruct(profile), recorded_seeds(), replies)


def recorded_seeds() -> list[str]:
    return [row["instruction"] for row in json_lines("self_instruct/seed_tasks.jsonl")]


@needs_data
@pytest.mark.parametrize("run", RUNS)
def test_paper_profile_repeats_a_recorded_run(run: str) -> None:
    replay = replay_run(run, "paper")
    expected = json_lines(f"recorded/{run}/accepted_instructions.jsonl")
    assert [each.instruction for each in replay.accepted] == [
        row["instruction"] for row in expected
    ]
    assert [each.avg_similarity_score for each in replay.accepted] == [
        row["avg_similarity_score"] for row in expected
    ]
    assert [sorted(each.most_similar.values()) for each in replay.accepted] == [
        sorted(row["most_similar"].values()) for row in expected
    ]


@needs_data
@pytest.mark.parametrize("run", RUNS)
def test_default_profile_yields_no_less_and_no_duplicate(run: str) -> None:
    accepted = [each.instruction for each in replay_run(run, "default").accepted]
    assert len(accepted) >= len(json_lines(f"recorded/{run}/accepted_instructions.jsonl"))
    pool = [rouge_tokens(seed) for seed in recorded_seeds()]
    for instruction in accepted:
        tokens = rouge_tokens(instruction)
        assert max(rouge_l(tokens, earlier) for earlier in pool) <= 0.7
        pool.append(tokens)


@needs_data
@pytest.mark.parametrize("profile", ["paper", "default"])
def test_recorded_answers_give_the_recorded_triples(profile: str) -> None:
    replay = replay_answers(
        self_instruct(profile),
        [
            ClassificationReply(row["instruction"], row["reply"])
            for row in json_lines("recorded/maulik2/classification_replies.jsonl")
        ],
        [
            InstanceReply(row["instruction"], row["reply"], row["finish_reason"])
            for row in json_lines("recorded/maulik2/instance_replies.jsonl")
        ],
    )
    expected = json_lines("recorded/maulik2/triples.jsonl")
    assert len(replay.triples) == 78
    assert {(each.instruction, each.input, each.output) for each in replay.triples} == {
        (row["instruction"], row["input"], row["output"]) for row in expected
    }


def test_acceptance_is_sequential_and_every_drop_is_counted() -> None:
    replay = replay_instructions(
        self_instruct("paper"),
        SEEDS,
        [
            InstructionReply(" Write a letter to a distant friend.\n10. Too short.", "stop"),
            InstructionReply(
                " Write a letter to a distant friend!\n10. Draw me a big sheep.", "stop"
            ),
            InstructionReply(" Explain how ice floats on water.", "length"),
            InstructionReply(None),
        ],
    )
    assert [each.instruction for each in replay.accepted] == ["Write a letter to a distant friend."]
    assert replay.dropped == {
        "too_short": 1,
        "rouge_l": 1,
        "blacklisted_word": 1,
        "cut_by_length": 1,
        "no_reply": 1,
    }
    assert (replay.replies, replay.zero_yield_replies) == (4, 3)


def test_default_profile_names_exact_duplicates_even_without_latin_letters() -> None:
    replay = replay_instructions(
        self_instruct(),
        [],
        [InstructionReply("9. 请写一首关于春雨的短诗\n10.  请写一首关于春雨的短诗 ")],
    )
    assert len(replay.accepted) == 1
    assert replay.accepted[0].avg_similarity_score == 0.0
    assert replay.dropped == {"exact_duplicate": 1}


@pytest.mark.parametrize(("number", "expected"), [(1, 1), (2, 2), (12, 12), (99, 13)])
def test_most_similar_is_settable_and_best_first(number: int, expected: int) -> None:
    seeds = [f"Tell me fact number {word} please" for word in "abcdefghijklm"]
    replay = replay_instructions(
        self_instruct("paper"),
        seeds,
        [InstructionReply(" Write down one fact about whales please.")],
        most_similar=number,
    )
    scores = list(replay.accepted[0].most_similar.values())
    assert len(scores) == expected
    assert scores == sorted(scores, reverse=True)


def test_a_score_of_exactly_the_threshold_is_decided_by_the_float() -> None:
    seed = "a b c d e f g x y z"
    kept = "a b c d e f g p q r"  # 7 of 10 and 10: 0.7 exactly
    dropped = "a b c d e f g p q r s"  # 2 * 7 / 21
    method = self_instruct("paper", minimum_words=1)
    replay = replay_instructions(method, [seed], [InstructionReply(kept)])
    score = rouge_l(seed.split(), kept.split())
    assert (len(replay.accepted) == 1) == (score <= 0.7)
    assert len(replay_instructions(method, [seed], [InstructionReply(dropped)]).accepted) == 1


def test_answers_without_classification_are_named() -> None:
    replay = replay_answers(
        self_instruct("paper"),
        [ClassificationReply("Pick the odd word out.", " Yes")],
        [
            InstanceReply(
                "Pick the odd word out. ", "Class label: pen\nWords: pen, cat, dog", "stop"
            ),
            InstanceReply(
                "Pick the odd word out.", "Class label: pen\nWords: pen, cat, dog", "stop"
            ),
            InstanceReply("Pick the odd word out.", None),
        ],
    )
    assert [(each.input, each.output) for each in replay.triples] == [
        ("Words: pen, cat, dog", "pen")
    ]
    assert replay.dropped == {"no_classification": 1, "no_instances": 1}


@pytest.mark.parametrize("verdict", ["", None, "To determine if"])
def test_a_failed_classification_is_not_a_no(verdict: str | None) -> None:
    labels = InstanceReply("Judge the tone of it.", "Class label: calm\nText: All is well.", "stop")
    replay = replay_answers(
        self_instruct(), [ClassificationReply("Judge the tone of it.", verdict)], [labels]
    )
    assert replay.unclear == 1
    assert [(each.input, each.output) for each in replay.triples] == [
        ("Text: All is well.", "calm")
    ]
    dropping = self_instruct(unclear_classification="drop")
    dropped = replay_answers(
        dropping, [ClassificationReply("Judge the tone of it.", verdict)], [labels]
    )
    assert dropped.dropped == {"unclear_classification": 1}
