"""Self-chat as a conversation: transcripts and turns, who speaks when, and when it ends."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.method import Completion
from app.domain.methods.self_chat import SelfChat
from app.domain.parsing.dialogue import as_transcript, one_turn, published_turns, tolerant_turns
from app.domain.records import Candidate, Instance, Message, Role, Source, SourceKind
from tests.domain.playing import FakePool, configured, outcome, play

SEED = Candidate("What is tea?")


def turns(*texts: str) -> list[Message]:
    return [
        Message(Role.ASSISTANT if place % 2 else Role.USER, text)
        for place, text in enumerate(texts)
    ]


def talk(*replies: Completion | str, profile: Any = "default", **given: object) -> Instance:
    method = configured(SelfChat, profile, **given)
    (instance,) = play(method.answer(SEED), *replies)[1].instances
    return instance


TRANSCRIPT = " A drink.\n[Human] Is it hot?\n[AI] Mostly.\nNot always.\n[Human] Thanks?\n[AI] Sure."


def test_the_prompt_opens_with_the_question_or_the_topic() -> None:
    asked = next(configured(SelfChat).answer(SEED))
    assert asked.text.endswith("[Human] What is tea?\n[AI]")
    assert asked.step == "dialogue"
    asked = next(configured(SelfChat, opening="topic", language="zh").answer(SEED))
    assert "“What is tea?”" in asked.text
    assert asked.text.endswith("\n[Human]")
    assert asked.version == "self_chat/dialogue_topic.zh@1"


def test_a_transcript_continues_the_prompt_and_keeps_its_last_exchange() -> None:
    found = talk(TRANSCRIPT)
    assert list(found.messages) == turns(
        "What is tea?", "A drink.", "Is it hot?", "Mostly.\nNot always.", "Thanks?", "Sure."
    )
    assert (found.input, found.output) == ("", "A drink.")
    assert found.facts == {"topic": "What is tea?"}
    whole = f"[Human] What is tea?\n[AI]{TRANSCRIPT}"
    assert talk(whole) == found
    assert len(talk(TRANSCRIPT, last_exchange="drop").messages) == 4


def test_a_topic_has_its_first_message_as_input() -> None:
    found = talk(" How is it made?\n[AI] With water.", opening="topic")
    assert (found.input, found.output) == ("How is it made?", "With water.")


def test_the_published_reading_loses_the_first_and_the_last_piece() -> None:
    reply = " Q1\n[AI] A1\n[Human] Q2\n[AI] A2\n[Human] Q3\n[AI] A3"
    assert list(talk(reply, profile="paper").messages) == turns("Q1", "A1", "Q2", "A2")
    broken = "[Human] Q1 [AI] A1 [Human] Q2 [Human] Q3 [AI] A3 [Human]"
    assert list(published_turns(broken)) == turns("Q1", "A1")


@pytest.mark.parametrize(
    ("transcript", "kept"),
    [
        ("[Human] Q\n[AI] A", ("Q", "A")),
        ("[|Human|] Q\n[|AI|] A\n[|Human|] ", ("Q", "A")),
        ("**[Human]** Q\n**[AI]:** A", ("Q", "A")),
        ("Sure!\n[Human] Q\n[AI] A", ("Q", "A")),
        ("[Human] Q\n[AI] A\n[Human] Left open", ("Q", "A")),
        ("[Human] Q\n[AI] A\n[AI] Again", ("Q", "A")),
        ("[Human] Q\n[Human] Q\n[AI] A", ()),
        ("[Human] Q\n[AI]\n[Human] R\n[AI] A", ()),
        ("[AI] Hello\n[Human] Q\n[AI] A", ()),
        ("[Human] Q about [AI] marks\n[AI] A", ("Q about [AI] marks", "A")),
        ("[Human] Q\n[AI] A\n[END]\n[Human] R\n[AI] B", ("Q", "A")),
        ("", ()),
    ],
)
def test_turns_alternate_strictly(transcript: str, kept: tuple[str, ...]) -> None:
    assert list(tolerant_turns(transcript)) == turns(*kept)


def test_a_cut_transcript_loses_what_was_cut() -> None:
    assert list(talk(Completion(TRANSCRIPT, "length")).messages) == turns(
        "What is tea?", "A drink.", "Is it hot?", "Mostly.\nNot always."
    )
    assert talk(Completion(" A dri", "length")).reasons == ("no_dialogue",)


def test_dialogues_that_are_none_have_names() -> None:
    assert talk("").reasons == ("no_dialogue",)
    assert talk(" A drink.", min_rounds=2).reasons == ("too_few_rounds",)
    assert talk(TRANSCRIPT, min_rounds=3).reasons == ()


@pytest.mark.parametrize(
    ("options", "rounds"),
    [({"max_rounds": 2}, 2), ({"token_budget": 16}, 3), ({"token_budget": 16, "max_rounds": 1}, 1)],
)
def test_a_transcript_is_no_longer_than_wanted(options: dict[str, int], rounds: int) -> None:
    assert len(talk(TRANSCRIPT, **options).messages) == 2 * rounds


def test_a_transcript_ends_before_goodbye_and_before_it_repeats_itself() -> None:
    goodbye = " A drink.\n[Human] Goodbye!\n[AI] Bye."
    assert list(talk(goodbye).messages) == turns("What is tea?", "A drink.")
    again = " A drink.\n[Human] what is  TEA?\n[AI] A drink."
    assert list(talk(again).messages) == turns("What is tea?", "A drink.")


def test_turn_by_turn_two_personas_take_turns() -> None:
    method = configured(
        SelfChat, form="turns", user_persona="You are a nurse.", assistant_persona="Be terse."
    )
    replies = ["A drink.", "[Human] Is it hot?", "Mostly.", "[END]"]
    prompts, answer = play(method.answer(SEED), *replies)
    assert [each.step for each in prompts] == ["chat_turn", "user_turn", "chat_turn", "user_turn"]
    assert prompts[0].text == "What is tea?"
    assert [each.system for each in prompts] == ["Be terse.", None, "Be terse.", None]
    assert "You are a nurse." in prompts[1].text
    assert "[Human] What is tea?\n[AI] A drink.\n" in prompts[1].text
    assert prompts[1].decoding.stop == ("[AI]",)
    assert list(prompts[2].history) == turns("What is tea?", "A drink.")
    assert prompts[2].text == "Is it hot?"
    wanted = turns("What is tea?", "A drink.", "Is it hot?", "Mostly.")
    assert list(answer.instances[0].messages) == wanted


@pytest.mark.parametrize(
    "last", ["", "[END]", "Goodbye!", "No more questions, thank you.", "what is tea?", "再见"]
)
def test_turn_by_turn_ends_when_the_person_has_nothing_more(last: str) -> None:
    found = talk("A drink.", last, form="turns")
    assert list(found.messages) == turns("What is tea?", "A drink.")


def test_turn_by_turn_stops_at_its_limits_and_at_a_cut_answer() -> None:
    assert len(talk("A drink.", form="turns", max_rounds=1).messages) == 2
    assert len(talk("A drink. " * 20, form="turns", token_budget=16).messages) == 2
    cut = Completion("Mos", "length")
    found = talk("A drink.", "Is it hot?", cut, form="turns")
    assert list(found.messages) == turns("What is tea?", "A drink.")
    assert talk("", form="turns").reasons == ("no_dialogue",)


def test_from_a_topic_the_person_speaks_first() -> None:
    method = configured(SelfChat, form="turns", opening="topic")
    prompts, answer = play(method.answer(SEED), "How so?", "So.", "")
    assert [each.step for each in prompts] == ["user_turn", "chat_turn", "user_turn"]
    assert list(answer.instances[0].messages) == turns("How so?", "So.")


def test_every_seed_is_taken_once_without_a_call() -> None:
    seed = Source(SourceKind.SEED, "1", "What is tea?")
    method = configured(SelfChat)
    assert method.draw(FakePool([seed]), 0, Random(0)) == [seed]
    assert method.draw(FakePool([seed]), 1, Random(0)) is None
    assert list(outcome(method.propose([seed], Random(0)))) == [SEED]


def test_one_speaker_says_one_turn() -> None:
    assert one_turn(" [Human] Hot?\n[AI] Yes") == "Hot?"
    assert one_turn("Hot? [|AI|] Yes") == "Hot?"


SAYING = st.text("ab [c]|#\n", min_size=1, max_size=30).map(str.strip).filter(bool)


@given(st.lists(st.tuples(SAYING, SAYING), min_size=1, max_size=5))
def test_dialogues_round_trip(pairs: list[tuple[str, str]]) -> None:
    said = turns(*(text for pair in pairs for text in pair))
    assert list(tolerant_turns(as_transcript(said))) == said
