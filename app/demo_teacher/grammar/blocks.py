"""Replies to a prompt of `###` blocks: numbered instruction, input and output, all in one call."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re

from app.demo_teacher.grammar.speech import Speech
from app.demo_teacher.protocol import Prompt

FEWEST, MOST = 8, 16
NO_INPUT_SHARE = 0.6
_HEAD = re.compile(r"^[ \t]*(\d+)\.[ \t]*(Instruction|指令)[ \t]*([:：])(.*)$", re.MULTILINE)
_MARKS = {"Instruction": ("Input", "Output", "<noinput>"), "指令": ("输入", "输出", "<无输入>")}


def continue_blocks(
    speech: Speech, prompt: Prompt, *, duplicate_rate: float, flawed_rate: float
) -> str:
    """Blocks `N. Instruction: ... N. Input: ... N. Output: ...`, each opened by `###`.

    A prompt that ends with an open `4. Instruction:` gets the text of that block first.
    """
    heads = _HEAD.findall(prompt.text)
    if not heads:
        heads = [("0", "Instruction", ":", "shown")]
    number, label, colon, rest = heads[-1]
    is_open = not rest.strip() and prompt.text.rstrip().endswith(colon)
    first = int(number) + (0 if is_open else 1)
    shown = [text.strip() for *_, text in heads if text.strip()]
    blocks: list[str] = []
    for position in range(speech.rng.randint(FEWEST, MOST)):
        instruction = _instruction(speech, shown, duplicate_rate, flawed_rate)
        blocks.append(_block(speech, first + position, label, colon, instruction))
    text = "\n".join(f"###\n{block}" for block in blocks)
    return text[len(f"###\n{first}. {label}{colon}") :] if is_open else text


def _instruction(
    speech: Speech, shown: list[str], duplicate_rate: float, flawed_rate: float
) -> str:
    luck = speech.rng.random()
    if luck < duplicate_rate:
        return speech.near_copy(shown)
    if luck < duplicate_rate + flawed_rate:
        return speech.flawed()
    return speech.instruction()


def _block(speech: Speech, number: int, label: str, colon: str, instruction: str) -> str:
    input_label, output_label, no_input = _MARKS[label]
    without = speech.rng.random() < NO_INPUT_SHARE
    given = no_input if without else speech.passage(instruction)
    return (
        f"{number}. {label}{colon} {instruction}\n"
        f"{number}. {input_label}{colon}\n{given}\n"
        f"{number}. {output_label}{colon}\n{speech.answer(instruction)}"
    )
