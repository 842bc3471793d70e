"""Tests of the request that a prompt becomes."""

from dataclasses import replace

import orjson
import pytest

from app.domain.method import Decoding, Rated
from app.domain.records import Message, Role
from app.llm.bodies import request_body, request_fields, request_headers
from app.llm.pricing import most_input_tokens
from app.llm.teacher import Call, Endpoint
from app.use_cases.job_context import prompt_as_json, prompt_from_json
from tests.llm.calls import PROMPT, teacher_at

LOCAL = teacher_at("http://127.0.0.1:8000/v1")
OPENAI = teacher_at("https://api.openai.com/v1")


def test_a_chat_sends_its_messages_and_only_what_is_set():
    prompt = replace(PROMPT, system="Be brief.", decoding=Decoding(64, temperature=0.0))

    assert request_fields(LOCAL, prompt) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Name three rivers."},
        ],
        "max_tokens": 64,
        "temperature": 0.0,
    }


def test_completions_send_one_prompt():
    teacher = replace(LOCAL, endpoint=Endpoint.COMPLETIONS)
    prompt = replace(PROMPT, decoding=Decoding(64, stop=("\n16", "16.")))

    assert request_fields(teacher, prompt) == {
        "model": "m",
        "prompt": "Name three rivers.",
        "max_tokens": 64,
        "stop": ["\n16", "16."],
    }


TALK = (Message(Role.USER, "Hello."), Message(Role.ASSISTANT, "Hello to you."))


def test_what_was_said_before_stands_between_system_and_text():
    prompt = replace(PROMPT, system="Be brief.", history=TALK, decoding=Decoding(64, seed=7))

    fields = request_fields(LOCAL, prompt)
    assert fields["seed"] == 7
    assert fields["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hello to you."},
        {"role": "user", "content": "Name three rivers."},
    ]
    raw = request_fields(replace(LOCAL, endpoint=Endpoint.COMPLETIONS), prompt)
    assert raw["prompt"] == "Be brief.\n\nHello.\n\nHello to you.\n\nName three rivers."
    assert prompt.digest != replace(prompt, history=()).digest
    assert prompt_from_json(orjson.loads(orjson.dumps(prompt_as_json(prompt)))) == prompt
    assert most_input_tokens(LOCAL, prompt) > most_input_tokens(LOCAL, PROMPT) + len("Hello.")


def test_openai_chats_get_the_newer_name_of_the_limit():
    assert request_fields(OPENAI, PROMPT)["max_completion_tokens"] == 64
    assert "max_tokens" not in request_fields(OPENAI, PROMPT)
    completions = replace(OPENAI, endpoint=Endpoint.COMPLETIONS)
    assert request_fields(completions, PROMPT)["max_tokens"] == 64


def test_the_extra_body_wins_and_null_removes():
    extra = {"max_tokens": None, "max_completion_tokens": 9, "model": "other", "seed": 1}

    fields = request_fields(replace(LOCAL, extra_body=extra), PROMPT)

    assert fields == {
        "model": "other",
        "messages": [{"role": "user", "content": "Name three rivers."}],
        "max_completion_tokens": 9,
        "seed": 1,
    }


def test_half_a_surrogate_pair_is_escaped():
    body = request_body(LOCAL, replace(PROMPT, text="a\ud800"))

    assert b'"a\\ud800"' in body


def test_what_json_cannot_hold_is_a_type_error():
    with pytest.raises(TypeError):
        request_body(replace(LOCAL, extra_body={"seed": object()}), PROMPT)


def test_headers_carry_the_step_and_the_attempt():
    headers = request_headers(Call("slot\n1", 2, LOCAL, replace(PROMPT, step="propose")))

    assert headers == [("X-Cultivar-Step", "propose"), ("Idempotency-Key", "slot?1-2")]
    assert orjson.loads(request_body(LOCAL, PROMPT))["model"] == "m"


def test_a_row_to_score_is_sent_in_its_parts_or_as_a_dialogue():
    rated = Rated("Sort.", "b a", "a b")
    prompt = replace(PROMPT, text="Sort.\n\nb a", rated=rated, decoding=Decoding(16))

    scorer = replace(LOCAL, endpoint=Endpoint.SCORE, extra_body={"model": "rm"})
    assert request_fields(scorer, prompt) == {
        "instruction": "Sort.",
        "input": "b a",
        "output": "a b",
        "model": "rm",
    }
    assert request_fields(LOCAL, prompt)["messages"] == [
        {"role": "user", "content": "Sort.\n\nb a"},
        {"role": "assistant", "content": "a b"},
    ]
    assert most_input_tokens(LOCAL, prompt) > most_input_tokens(LOCAL, replace(prompt, rated=None))
    assert prompt_from_json(orjson.loads(orjson.dumps(prompt_as_json(prompt)))) == prompt
