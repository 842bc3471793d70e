"""The exact lines of the formats that published projects read, and what they cannot carry."""

from collections import Counter
from dataclasses import replace

import pytest

from app.domain.format import Format, fitting_lines
from app.domain.formats import FORMATS
from app.domain.formats.evol_instruct import EvolInstruct
from app.domain.formats.flan_cot import FlanCot
from app.domain.formats.gpt3_finetuning import Gpt3Finetuning, plain_input
from app.domain.formats.instruction_wild import InstructionWild
from app.domain.formats.moss import Moss
from app.domain.formats.openai_chat import OpenaiChat
from app.domain.formats.regen import Regen
from app.domain.formats.seed_tasks import SeedTasks
from app.domain.formats.self_instruct_instructions import SelfInstructInstructions
from app.domain.formats.trl import Trl, TrlType
from app.domain.records import Message, Role, Row, SeedInstance
from app.domain.seed_rows import parse_seed
from tests.domain.formats.published import (
    BARE,
    DIALOGUE,
    FULL,
    NASTY,
    ORIGIN,
    REASONED,
    STRANGE,
    TALK,
)

# methods.md names them as Self-Instruct's seven and six; `{i}` and `{x}` are the row's texts.
LAYOUTS = {
    (1, True): ("{i}\nInput: {x}\nOutput:", " "),
    (2, True): ("{i}\n\nInput: {x}\n\nOutput:", " "),
    (3, True): ("Task: {i}\nInput: {x}\nOutput:", " "),
    (4, True): ("{i}\n\n{x}\n\nOutput:", " "),
    (5, True): ("{i}\n\n{x}\n\n", ""),
    (6, True): ("{i}\n{x}\n\n", ""),
    (7, True): ("Task: {i}\n\n{x}\n\n", ""),
    (1, False): ("{i} Output:", " "),
    (2, False): ("{i}\nOutput:", " "),
    (3, False): ("{i}\n\nOutput:", " "),
    (4, False): ("{i}\n", ""),
    (5, False): ("{i}\n\n", ""),
    (6, False): ("Task: {i}\n\n", ""),
}


@pytest.mark.parametrize(("number", "has_input"), LAYOUTS)
def test_each_of_the_13_layouts(number: int, has_input: bool) -> None:
    row = replace(STRANGE, input=STRANGE.input if has_input else " ")
    chosen = Gpt3Finetuning(
        layout_with_input=number if has_input else None,
        layout_without_input=None if has_input else number,
        plain_share=0,
    )
    layout, before = LAYOUTS[number, has_input]
    wanted = layout.replace("{i}", row.instruction).replace("{x}", row.input)
    assert chosen.line(row) == {
        "prompt": wanted,
        "completion": f"{before}{row.output}<|endoftext|>",
    }


def test_layouts_are_drawn_evenly_and_always_the_same() -> None:
    rows = [Row(f"row-{number}", "I", "x" * (number % 2), "O") for number in range(2600)]
    lines = [Gpt3Finetuning(seed=1).line(row)["prompt"] for row in rows]
    assert [Gpt3Finetuning(seed=1).line(row)["prompt"] for row in rows] == lines
    assert [Gpt3Finetuning(seed=2).line(row)["prompt"] for row in rows] != lines
    drawn = Counter(lines)
    assert len(drawn) == 13
    # 1,300 rows each over 7 and over 6 layouts; four standard deviations.
    assert all(135 < count < 275 for count in drawn.values())


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("Sentence: It rains.", "It rains."),
        ("From: me\nTo: you", "From: me\nTo: you"),
        ("a: b a: c", "b a: c"),
        ("one\n\ntwo", "one\ntwo"),
        ("List:", "List:"),
    ],
)
def test_half_of_the_inputs_lose_their_label(given: str, wanted: str) -> None:
    assert plain_input(given) == wanted
    rows = [replace(FULL, id=str(number), input=given) for number in range(400)]
    chosen = Gpt3Finetuning(layout_with_input=5)
    changed = sum(f"\n\n{wanted}\n\n" in str(chosen.line(row)["prompt"]) for row in rows)
    assert changed == 400 if given == wanted else 150 < changed < 250


def test_seed_tasks_come_back_as_seeds() -> None:
    line = SeedTasks().line(STRANGE)
    assert line["name"] == "read_a_b_c_quote"
    seed, problems = parse_seed(line)
    assert seed is not None
    assert problems == ()
    assert seed.instruction == STRANGE.instruction
    assert seed.instances == (SeedInstance(NASTY, STRANGE.output), SeedInstance("", NASTY))
    assert (seed.external_id, seed.is_classification) == ("seed_task_row-5", False)
    assert SeedTasks().line(FULL)["is_classification"] is True


def test_self_instruct_instructions_tell_prompt_and_reply() -> None:
    row = replace(BARE, origin=ORIGIN)
    assert SelfInstructInstructions().line(row) == {
        "instruction": "Name a tree.",
        "most_similar": {"Name a bird.": 0.75, "Plant it.": 0.0},
        "avg_similarity_score": 0.375,
        "metadata": {
            "prompt": "Come up with tasks.\n9.",
            "response": {
                "choices": [
                    {
                        "text": " Name a tree.",
                        "index": 0,
                        "logprobs": None,
                        "finish_reason": "stop",
                    }
                ]
            },
            "created_at": "2030-01-02T03:04:05+00:00",
        },
        "request_idx": 3,
    }
    assert SelfInstructInstructions().unfit(BARE) == "no_proposing_call"


def test_regen_keeps_the_nearest() -> None:
    assert list(Regen().line(replace(FULL, origin=ORIGIN)).items()) == [
        ("instruction", "Sort the words."),
        ("input", " pear\nfig "),
        ("output", "fig, pear"),
        ("most_similar_instructions", {"Name a bird.": 0.75, "Plant it.": 0.0}),
        ("avg_similarity_score", 0.375),
    ]
    assert Regen().unfit(FULL) == "no_proposing_call"


def test_evolved_instructions_hold_their_input() -> None:
    assert EvolInstruct().line(FULL) == {
        "instruction": "Sort the words.\r\n pear\nfig ",
        "output": "fig, pear",
    }
    assert EvolInstruct().line(BARE)["instruction"] == "Name a tree."


def test_instructions_of_the_wild_have_no_answers_unless_asked_for() -> None:
    wild = InstructionWild(separator=" ")
    assert wild.line(FULL) == {
        "instruction": "Sort the words.  pear\nfig ",
        "instruction_type": "Classification",
        "special_tag": None,
    }
    told = replace(BARE, facts={"instruction_type": "Chat", "special_tag": "none"})
    assert list(InstructionWild(with_output=True).line(told).values()) == [
        "Name a tree.",
        "Chat",
        "none",
        "Oak.\n",
    ]


def test_moss_turns_carry_their_marks() -> None:
    line = Moss(meta_instruction="Be kind.").line(DIALOGUE)
    assert line["num_turns"] == 2
    assert line["category"] == "tea"
    assert line["chat"] == {
        f"turn_{number}": {
            "Human": f"<|Human|>: {asked}<eoh>\n",
            "Inner Thoughts": "<|Inner Thoughts|>: None<eot>\n",
            "Commands": "<|Commands|>: None<eoc>\n",
            "Tool Responses": "<|Results|>:\nNone\n<eor>\n",
            "MOSS": f"<|MOSS|>: {said}<eom>\n",
        }
        for number, asked, said in [(1, "What is tea?", "A drink."), (2, "Is it hot?", "Mostly.")]
    }


@pytest.mark.parametrize(
    ("output", "chain", "answer"),
    [
        ("12 minus 5 is 7. So the answer is 7.", "12 minus 5 is 7.", "7"),
        ("It is wet.\nTherefore, THE ANSWER IS: yes", "It is wet.", "yes"),
        ("The answer is no? It rains. The answer is yes.", "The answer is no? It rains.", "yes"),
        ("5 + 5 = 10\n#### 10", "5 + 5 = 10", "10"),
        ("五加五是十。答案是十。", "五加五是十。", "十"),
    ],
)
def test_reasoning_is_parted_from_its_answer(output: str, chain: str, answer: str) -> None:
    row = replace(FULL, input="", output=output)
    assert list(FlanCot().line(row).values()) == ["Sort the words.", answer, chain]
    assert FlanCot().unfit(row) is None


def test_reasoning_that_a_row_names_is_taken_at_its_word() -> None:
    row = replace(FULL, facts={"chain_of_thought": "f before p", "answer": "fig, pear"})
    assert FlanCot().line(row) == {
        "question": "Sort the words.\n pear\nfig ",
        "answer": "fig, pear",
        "chain_of_thought": "f before p",
    }


def test_the_four_types_of_trl() -> None:
    asked = {"role": "user", "content": "Sort the words.\n\n pear\nfig "}
    said = {"role": "assistant", "content": "fig, pear"}
    prompt = "### Instruction:\nSort the words.\n\n### Input:\n pear\nfig \n\n### Response:\n"
    for kind, wanted in {
        TrlType.MESSAGES: {"messages": [asked, said]},
        TrlType.PROMPT_COMPLETION_MESSAGES: {"prompt": [asked], "completion": [said]},
        TrlType.PROMPT_COMPLETION_TEXT: {"prompt": prompt, "completion": "fig, pear"},
        TrlType.TEXT: {"text": f"{prompt}fig, pear"},
    }.items():
        assert Trl(type=kind, preamble_with_input="").line(FULL) == wanted


def openai_errors(line: object) -> set[str]:
    """What OpenAI's published notebook finds wrong with an example, by its names."""
    if not isinstance(line, dict):
        return {"data_type"}
    found: set[str] = set()
    messages = line.get("messages") or found.add("missing_messages_list") or []
    for message in messages:
        if "role" not in message or "content" not in message:
            found.add("message_missing_key")
        if message.keys() - {"role", "content", "name", "function_call", "weight"}:
            found.add("message_unrecognized_key")
        if message.get("role") not in ("system", "user", "assistant", "function"):
            found.add("unrecognized_role")
        content = message.get("content")
        if not (content and isinstance(content, str)):
            found.add("missing_content")
    if not any(message.get("role") == "assistant" for message in messages):
        found.add("example_missing_assistant_message")
    return found


@pytest.mark.parametrize("row", [BARE, FULL, DIALOGUE, STRANGE])
def test_openais_checks_find_nothing(row: Row) -> None:
    chosen = OpenaiChat(system="Be brief.")
    assert chosen.unfit(row) is None
    line = chosen.line(row)
    assert openai_errors(line) == set()
    assert line["messages"][-1]["role"] == "assistant"  # pyright: ignore[reportIndexIssue]
    assert chosen.facts() == {"least_rows": 10}


def test_openais_checks_would_find_what_is_left_out() -> None:
    blank = replace(FULL, output="")
    assert OpenaiChat().unfit(blank) == "empty_output"
    assert openai_errors(OpenaiChat().line(blank)) == {"missing_content"}


OPEN_END = replace(DIALOGUE, messages=TALK[:3])
SILENT = replace(DIALOGUE, messages=(Message(Role.USER, " "), *TALK[1:]))
MARKED = replace(BARE, output="a <eom> b")
UNFIT: list[tuple[Format, Row, str]] = [
    (OpenaiChat(), SILENT, "empty_message"),
    (OpenaiChat(), OPEN_END, "no_answer_at_the_end"),
    (Trl(), OPEN_END, "no_answer_at_the_end"),
    (Trl(), replace(BARE, output=" "), "empty_output"),
    (Trl(type=TrlType.TEXT), DIALOGUE, "several_turns"),
    (Moss(), OPEN_END, "turns_not_in_pairs"),
    (Moss(), MARKED, "holds_a_mark"),
    (FORMATS["baize"](), replace(BARE, input="[|AI|] no"), "holds_a_mark"),
    (FlanCot(), BARE, "no_reasoning_before_an_answer"),
    (FlanCot(), replace(REASONED, input="a\tb"), "tab"),
    (FlanCot(), replace(REASONED, input="a\rb"), "carriage_return"),
    (FlanCot(), replace(REASONED, input="print('\\n')"), "literal_backslash_n"),
]
for _name in (
    *("alpaca", "alpaca_jsonl", "self_instruct_triples", "prompt_completion", "gpt3_finetuning"),
    *("regen", "seed_tasks", "evol_instruct", "instruction_wild", "flan_cot"),
):
    UNFIT.append((FORMATS[_name](), DIALOGUE, "several_turns"))


@pytest.mark.parametrize(("chosen", "row", "reason"), UNFIT)
def test_what_cannot_be_carried_is_named_and_counted(chosen: Format, row: Row, reason: str) -> None:
    left_out = Counter[str]()
    assert list(fitting_lines(chosen, [row], left_out)) == []
    assert left_out == {reason: 1}
