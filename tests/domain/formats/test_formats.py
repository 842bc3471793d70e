"""What every export format promises, and the exact lines of each."""

from dataclasses import replace

import pytest

from app.domain.format import Format
from app.domain.formats import FORMATS
from app.domain.formats.alpaca import Alpaca
from app.domain.formats.alpaca_jsonl import AlpacaJsonl
from app.domain.formats.baize import Baize
from app.domain.formats.chat_messages import ChatMessages
from app.domain.formats.cited_rows import CitedRows
from app.domain.formats.image_conversations import ImageConversations
from app.domain.formats.prompt_completion import PromptCompletion
from app.domain.formats.self_instruct_triples import SelfInstructTriples
from app.domain.formats.sharegpt import ShareGpt
from app.domain.options import options_schema, parse_options
from app.domain.packaging import Container
from app.domain.parsing.dialogue import as_transcript, tolerant_turns
from app.domain.records import Message, Role, Row

BARE = Row("row-1", "Name a tree.", "", "Oak.\n")
FULL = Row("row-2", "Sort the words.", " pear\nfig ", "fig, pear")
TALK = (
    Message(Role.USER, "What is tea?"),
    Message(Role.ASSISTANT, "A drink."),
    Message(Role.USER, "Is it hot?"),
    Message(Role.ASSISTANT, "Mostly."),
)
DIALOGUE = Row("row-4", "What is tea?", "", "A drink.", messages=TALK, facts={"topic": "tea"})
# Formats of instructions alone; and the reasoned answers of one stand in columns of their own.
WITHOUT_OUTPUT = {"self_instruct_instructions", "instruction_wild", "flan_cot"}
SPACE = Row("row-3", "Name a tree.", " \n", "Oak.")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_registered_under_its_name(name: str) -> None:
    kind = FORMATS[name]
    chosen, problems = parse_options(kind, {})
    assert problems == ()
    assert chosen is not None
    assert chosen == kind()
    assert kind.name == name
    assert Container(kind.file_suffix.removeprefix(".")) in Container
    assert kind.description.endswith(".")
    assert options_schema(kind)["additionalProperties"] is False


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_changes_an_output(name: str) -> None:
    chosen: Format = FORMATS[name]()
    reasoned = replace(SPACE, output="1 and 1 are 2. So the answer is 2.")
    for row in (BARE, FULL, SPACE) if name != "flan_cot" else (reasoned,):
        line = chosen.line(row)
        assert chosen.line(row) == line
        if name in WITHOUT_OUTPUT:
            assert repr(row.instruction)[1:-1] in repr(line)
        else:
            assert repr(row.output)[1:-1] in repr(line)


def test_triples() -> None:
    line = SelfInstructTriples().line(FULL)
    assert list(line.items()) == [
        ("instruction", "Sort the words."),
        ("input", " pear\nfig "),
        ("output", "fig, pear"),
    ]


def test_alpaca() -> None:
    for row in (BARE, FULL, SPACE):
        assert AlpacaJsonl(with_id=True).line(row) == Alpaca(with_id=True).line(row)
    assert Alpaca().line(FULL) == SelfInstructTriples().line(FULL)
    assert Alpaca().line(SPACE) == {"instruction": "Name a tree.", "input": "", "output": "Oak."}
    assert list(Alpaca(with_id=True).line(BARE)) == ["id", "instruction", "input", "output"]


def test_prompts_end_with_the_last_heading() -> None:
    line = PromptCompletion(preamble="Do it.", preamble_with_input="Do it with this.").line(BARE)
    assert line == {
        "prompt": "Do it.\n\n### Instruction:\nName a tree.\n\n### Response:",
        "completion": "Oak.\n",
    }
    line = PromptCompletion(preamble="Do it.", preamble_with_input="Do it with this.").line(FULL)
    assert line == {
        "prompt": (
            "Do it with this.\n\n### Instruction:\nSort the words.\n\n"
            "### Input:\n pear\nfig \n\n### Response:"
        ),
        "completion": "fig, pear",
    }


def test_prompts_without_a_preamble() -> None:
    line = PromptCompletion(preamble="").line(SPACE)
    assert line["prompt"] == "### Instruction:\nName a tree.\n\n### Response:"


def test_chat_messages() -> None:
    assert ChatMessages().line(SPACE) == {
        "messages": [
            {"role": "user", "content": "Name a tree."},
            {"role": "assistant", "content": "Oak."},
        ]
    }
    assert ChatMessages(system="Be brief.", separator="\n").line(FULL) == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Sort the words.\n pear\nfig "},
            {"role": "assistant", "content": "fig, pear"},
        ]
    }


def test_a_dialogue_keeps_all_its_turns() -> None:
    messages = [{"role": str(each.role), "content": each.content} for each in TALK]
    assert ChatMessages().line(DIALOGUE) == {"messages": messages}
    assert ShareGpt().line(DIALOGUE) == {
        "id": "row-4",
        "conversations": [
            {"from": "human", "value": "What is tea?"},
            {"from": "gpt", "value": "A drink."},
            {"from": "human", "value": "Is it hot?"},
            {"from": "gpt", "value": "Mostly."},
        ],
    }
    assert ShareGpt().line(FULL)["conversations"] == [
        {"from": "human", "value": "Sort the words.\n\n pear\nfig "},
        {"from": "gpt", "value": "fig, pear"},
    ]


def test_baize_ends_in_an_open_turn_unless_told_otherwise() -> None:
    transcript = (
        "Talk.\n[|Human|] What is tea?\n[|AI|] A drink.\n[|Human|] Is it hot?\n[|AI|] Mostly.\n"
    )
    line = Baize(header="Talk.").line(DIALOGUE)
    assert line == {"topic": "tea", "input": f"{transcript}[|Human|] "}
    closed = Baize(header="Talk.", open_turn=False).line(DIALOGUE)
    assert closed == {"topic": "tea", "input": transcript.removesuffix("\n")}


def test_a_dialogue_comes_back_from_its_transcripts() -> None:
    assert tuple(tolerant_turns(str(Baize().line(DIALOGUE)["input"]))) == TALK
    assert tuple(tolerant_turns(as_transcript(TALK))) == TALK


def test_an_image_stands_before_the_first_message() -> None:
    row = Row("row-5", "What is it?", "", "A cup.", facts={"image": "cups/1.jpg"})
    assert ImageConversations().line(row) == {
        "id": "row-5",
        "image": "cups/1.jpg",
        "conversations": [
            {"from": "human", "value": "<image>\nWhat is it?"},
            {"from": "gpt", "value": "A cup."},
        ],
    }
    assert "image" not in ImageConversations().line(BARE)


def test_a_row_is_written_with_its_citation() -> None:
    cited = {"document": "tea.pdf", "chunk": "tea.pdf#3", "place": "page 2; characters 0-9"}
    row = Row("row-6", "How hot?", "", "80 degrees.", facts={**cited, "heading": "Tea"})
    said = {"id": "row-6", "instruction": "How hot?", "input": "", "output": "80 degrees."}
    assert CitedRows().line(row) == {**said, **cited}
    assert list(CitedRows().line(BARE).values())[-3:] == [None, None, None]
