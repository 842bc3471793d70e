"""Replies that give a task its instances: input first, or class label first."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re

from app.demo_teacher.grammar.speech import Speech
from app.demo_teacher.protocol import Prompt

MOST_EXAMPLES = 3
FIELD_SHARE = 0.15
FLAW_SHARE = 0.03

_NEEDS_INPUT = re.compile(
    r"\b(?:following|given|below|this|these|each|extract|correct|rewrite|snippet)\b"
    r"|下面|以下|这段|这篇|给定|每条",
    re.IGNORECASE,
)
_FIELDS = ("Sentence", "Text", "Passage", "Paragraph")
_CHINESE_INPUT = re.compile(r"^输入[ \t]*([:：])", re.MULTILINE)
_CHINESE_LABEL = re.compile(r"^类别[ \t]*[:：]", re.MULTILINE)


def answer_instances(speech: Speech, prompt: Prompt, task: str, *, chinese: bool) -> str:
    """Instances in the shape that the prompt shows.

    `Class label: X` and an input for prompts that hold `Class label:`; else `Example 1`,
    `Input:`, `Output:` up to three times, or a lone `Output:` for tasks that need no input;
    Chinese ones with the colon that the prompt has.
    """
    if "Class label:" in prompt.text or (chinese and _CHINESE_LABEL.search(prompt.text)):
        return _output_first(speech, task, chinese=chinese)
    example, given, result, colon = ("Example", "Input", "Output", ": ")
    if chinese and (marked := _CHINESE_INPUT.search(prompt.text)):
        example, given, result = ("示例", "输入", "输出")
        colon = "：" if marked[1] == "：" else ": "
    if not _needs_input(speech, task):
        return f"{result}{colon}{speech.answer(task)}"
    if not chinese and speech.rng.random() < FIELD_SHARE:
        given = speech.rng.choice(_FIELDS)
    pairs = _pairs(speech, task)
    return "\n".join(
        f"{example} {number}\n{given}{colon}{passage}\n{result}{colon}{answer}"
        for number, (passage, answer) in enumerate(pairs, start=1)
    )


def _needs_input(speech: Speech, task: str) -> bool:
    share = 0.9 if _NEEDS_INPUT.search(task) else 0.25
    return speech.rng.random() < share


def _pairs(speech: Speech, task: str) -> list[tuple[str, str]]:
    """One to three pairs; now and then a copied input, a repeated or a contradicting pair."""
    rng = speech.rng
    pairs = [
        (speech.passage(task), speech.answer(task)) for _ in range(rng.randint(1, MOST_EXAMPLES))
    ]
    luck = rng.random()
    if luck < FLAW_SHARE:
        pairs[0] = (pairs[0][0], pairs[0][0])
    elif luck < 2 * FLAW_SHARE:
        pairs.append(pairs[0])
    elif luck < 3 * FLAW_SHARE:
        pairs.append((pairs[0][0], speech.answer(task)))
    return pairs


def _output_first(speech: Speech, task: str, *, chinese: bool) -> str:
    """Every label at least once while there are no more than four, each with an input."""
    labels = speech.labels(task)[:4]
    speech.rng.shuffle(labels)
    if chinese:
        return "\n".join(f"类别：{label}\n输入：{speech.passage(task)}" for label in labels)
    field = speech.rng.choice(_FIELDS) + ": " if speech.rng.random() < FIELD_SHARE else ""
    return "\n".join(f"Class label: {label}\n{field}{speech.passage(task)}" for label in labels)
