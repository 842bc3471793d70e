"""Which step a prompt is taken for, by header and by its text."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import pytest

from app.demo_teacher.protocol import Prompt
from app.demo_teacher.steps import Step, step_of
from app.domain.prompts.library import fill, prompt_file
from tests.demo_teacher.talking import LIST_PROMPT

PASSAGE = "Rewrite.\n<passage>\nRequest: a\n1. Tea.\n2. Milk.\n</passage>\n"
BLOCKS = """Write 20 diverse tasks.
###
1. Instruction: Name a colour.
1. Input:
<noinput>
1. Output:
Teal.
###
2. Instruction:"""
TRANSCRIPT = 'They talk about "sea salt".\n[Human] Hello!\n[AI] Hi! How can I help you?\n'
EVOLVE = "Rewrite the task to be harder.\n#Given Prompt#:\nPlan a picnic.\n#Rewritten Prompt#:"
JUDGE = "Here are two tasks. Reply only with Equal or Not Equal.\nFirst: A\nSecond: B"
CHAT_LIST = "Here are tasks:\n1. Name a colour.\n2. Sing a song.\nWrite 6 more of them."


def prompt(text: str) -> Prompt:
    return Prompt(text, text, is_chat=False)


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (LIST_PROMPT, Step.PROPOSE),
        ("Tasks:\nTask 1: Sing.\nTask 2:", Step.PROPOSE),
        ("任务：\n1. 写一首诗。\n2.", Step.PROPOSE),
        (CHAT_LIST, Step.PROPOSE),
        ("Task: Sing.\nIs it classification? No\n\nTask: Jump.\nIs it classification?", "classify"),
        ("任务：唱歌。\n这是分类任务吗？", Step.CLASSIFY),
        ("Task: Sing.\nOutput: La.\n\nTask: Jump.\n", Step.ANSWER),
        ("Task: Sort.\nClass label: good\nText: x\n\nTask: Judge the score.\n", Step.ANSWER),
        (BLOCKS, Step.BLOCKS),
        (TRANSCRIPT, Step.DIALOGUE),
        (EVOLVE, Step.EVOLVE),
        (JUDGE, Step.JUDGE),
        (PASSAGE, Step.PASSAGE_QUESTIONS),
        (f"{PASSAGE}Request: Why?", Step.PASSAGE_ANSWER),
        (f"{PASSAGE}请求：为什么？\n\n回答：热。\n", Step.PASSAGE_CHECK),
        ("Why is the sky blue?", Step.CHAT_TURN),
    ],
)
def test_guess_from_the_text(text: str, step: str) -> None:
    assert step_of(None, prompt(text)) == (step, step)


@pytest.mark.parametrize(
    ("header", "text", "kind"),
    [
        ("propose", LIST_PROMPT, Step.PROPOSE),
        ("propose", PASSAGE, Step.PASSAGE_QUESTIONS),
        ("propose", "Give me tasks.", Step.PROPOSE),
        ("propose", BLOCKS, Step.BLOCKS),
        ("propose", TRANSCRIPT, Step.DIALOGUE),
        ("propose", EVOLVE, Step.EVOLVE),
        ("classify", "Sing.", Step.CLASSIFY),
        ("answer", "Task: Sing.\nOutput: La.\n\nTask: Jump.", Step.ANSWER),
        ("answer", "Jump.", Step.CHAT_TURN),
        ("chat_turn", LIST_PROMPT, Step.CHAT_TURN),
        ("judge", "Which is better?", Step.JUDGE),
        ("something_new", LIST_PROMPT, Step.PROPOSE),
    ],
)
def test_the_header_names_and_the_text_shapes(header: str, text: str, kind: Step) -> None:
    assert step_of(header, prompt(text)) == (header, kind)


@pytest.mark.parametrize(
    ("step", "values", "wanted"),
    [
        ("propose", {"tasks": "1. Sing.\n2. Jump.", "next": "3", "last": "9"}, Step.PROPOSE),
        ("classify", {"examples": "", "instruction": "Sing."}, Step.CLASSIFY),
        ("answer_input_first", {"instances": "5", "instruction": "Sing."}, Step.ANSWER),
        ("answer_output_first", {"instances": "5", "instruction": "Sing."}, Step.ANSWER),
    ],
)
def test_our_own_prompts_are_known_without_a_header(
    step: str, values: dict[str, str], wanted: Step
) -> None:
    file = prompt_file("self_instruct", step)
    examples = {"examples": "\n\n".join(file.examples)}
    text = fill(file.frame, values | examples)
    assert step_of(None, prompt(text))[1] is wanted
