"""What every export format promises, and the exact lines of each."""

import pytest

from app.domain.format import Format
from app.domain.formats import FORMATS
from app.domain.formats.alpaca import Alpaca
from app.domain.formats.chat_messages import ChatMessages
from app.domain.formats.prompt_completion import PromptCompletion
from app.domain.formats.self_instruct_triples import SelfInstructTriples
from app.domain.options import options_schema, parse_options
from app.domain.records import Row

BARE = Row("row-1", "Name a tree.", "", "Oak.\n")
FULL = Row("row-2", "Sort the words.", " pear\nfig ", "fig, pear")
SPACE = Row("row-3", "Name a tree.", " \n", "Oak.")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_registered_under_its_name(name: str) -> None:
    kind = FORMATS[name]
    chosen, problems = parse_options(kind, {})
    assert problems == ()
    assert chosen is not None
    assert chosen == kind()
    assert kind.name == name
    assert kind.file_suffix == ".jsonl"
    assert kind.description.endswith(".")
    assert options_schema(kind)["additionalProperties"] is False


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_changes_an_output(name: str) -> None:
    chosen: Format = FORMATS[name]()
    for row in (BARE, FULL, SPACE):
        line = chosen.line(row)
        assert chosen.line(row) == line
        assert repr(row.output) in repr(line)


def test_triples() -> None:
    line = SelfInstructTriples().line(FULL)
    assert list(line.items()) == [
        ("instruction", "Sort the words."),
        ("input", " pear\nfig "),
        ("output", "fig, pear"),
    ]


def test_alpaca() -> None:
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
