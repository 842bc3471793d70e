"""The grammar script: pure, varied, near-copying at the set rate, and right in shape."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from zlib import crc32

import pytest
from rapidfuzz.distance import LCSseq

from app.demo_teacher.draws import prompt_digest
from app.demo_teacher.grammar.chinese import Chinese
from app.demo_teacher.grammar.classification import looks_like_classification
from app.demo_teacher.grammar.english import English
from app.demo_teacher.grammar.english_words import CLASSIFICATION_TASKS, OPEN_TASKS
from app.demo_teacher.grammar.script import GrammarScript
from app.demo_teacher.grammar.speech import Speech
from app.demo_teacher.protocol import Prompt
from app.demo_teacher.reading import shown_items
from app.demo_teacher.settings import Settings
from app.demo_teacher.steps import Step
from tests.demo_teacher.talking import LIST_PROMPT, ask, chat, complete, text_of
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher

UNFIT = re.compile(
    r"\b(?:images?|graphs?|pictures?|files?|maps?|draw|plot|go to|video|audio|music|flowchart"
    r"|diagram)\b",
    re.IGNORECASE,
)
CHINESE_LIST = "请继续写出任务：\n1. 写一首关于海的诗。\n2. 解释天气为什么会变化。\n3."


def tokens(text: str) -> str:
    """One character per token, so that a fast LCS can run over them."""
    words = re.findall(r"[a-z0-9]+|[\u3400-\u9fff]", text.lower())
    return "".join(chr(0x100 + crc32(word.encode()) % 0xD000) for word in words)


def score(one: str, other: str) -> float:
    """ROUGE-L F of two token strings."""
    return 2 * LCSseq.similarity(one, other) / (len(one) + len(other))


def reply(settings: Settings, step: Step, text: str, *, is_chat: bool = False) -> str:
    script = GrammarScript(settings)
    said = script.reply(step, step, Prompt(text, text, is_chat), prompt_digest(text), 0)
    assert said.text is not None
    return said.text


def list_prompts(count: int) -> Iterator[str]:
    return (LIST_PROMPT.replace("Come up", f"({number}) Come up") for number in range(count))


def test_the_same_prompt_gets_the_same_reply_in_any_order(teacher: RunningTeacher) -> None:
    prompts = list(list_prompts(60))
    first = [text_of(complete(teacher, prompt)) for prompt in prompts]
    with ThreadPoolExecutor(12) as pool:
        backwards = list(pool.map(lambda p: text_of(complete(teacher, p)), reversed(prompts)))
    assert backwards[::-1] == first
    assert len(set(first)) == len(first)
    with start_demo_teacher(latency_s=0, seed=7) as other:
        assert text_of(complete(other, prompts[5])) == first[5]
    with start_demo_teacher(latency_s=0, seed=8) as other:
        assert text_of(complete(other, prompts[5])) != first[5]


@pytest.mark.parametrize(("speech", "share"), [(English, 0.95), (Chinese, 0.95)])
def test_fresh_tasks_are_rarely_alike(speech: type[Speech], share: float) -> None:
    drawn = speech(Random(3))  # pyright: ignore[reportCallIssue]
    pool: list[str] = []
    for _ in range(800):
        new = tokens(drawn.instruction())
        if all(score(new, old) <= 0.7 for old in pool):
            pool.append(new)
    assert len(pool) >= share * 800


def test_a_hundred_thousand_different_tasks() -> None:
    english = English(Random(1))
    assert len({english.instruction() for _ in range(101_000)}) > 100_000


def test_fresh_tasks_pass_the_usual_quality_rules() -> None:
    english = English(Random(2))
    for _ in range(5_000):
        task = english.instruction()
        assert 4 <= len(task.split()) <= 150
        assert not UNFIT.search(task), task
        assert re.match("[A-Z]", task), task
        assert not task.startswith("Write a program")
        assert task[-1] in ".?"
        assert "{" not in task


@pytest.mark.parametrize("rate", [0.0, 0.15, 0.5])
def test_near_copies_come_at_the_set_rate(rate: float) -> None:
    settings = Settings(duplicate_rate=rate, flawed_rate=0.0)
    english = English(Random(0))
    shown = [tokens(item) for item in shown_items(LIST_PROMPT)]
    common = {tokens(english.near_copy([])) for _ in range(400)}
    copies = total = 0
    for prompt in list_prompts(250):
        items = shown_items(f"9. {reply(settings, Step.PROPOSE, prompt)}")
        total += len(items)
        copies += sum(
            any(score(tokens(item), known) > 0.7 for known in (*shown, *common)) for item in items
        )
    assert abs(copies / total - rate) < 0.035


def test_a_few_items_are_flawed() -> None:
    settings = Settings(duplicate_rate=0.0, flawed_rate=0.5)
    prompts = list_prompts(150)
    items = [i for p in prompts for i in shown_items(f"9. {reply(settings, Step.PROPOSE, p)}")]
    assert any(UNFIT.search(item) for item in items)
    assert any(item.startswith("Write a program") for item in items)
    assert any(len(item.split()) <= 3 for item in items)
    assert any(len(item.split()) > 150 for item in items)
    assert any(not item[0].isascii() for item in items)
    assert any(item.startswith("(") for item in items)


def test_a_list_goes_on_from_its_bare_number(teacher: RunningTeacher) -> None:
    counts: set[int] = set()
    for prompt in list_prompts(30):
        text = text_of(complete(teacher, prompt))
        assert text.startswith(" ")
        numbers = [int(found) for found in re.findall(r"^(\d+)\.", "9." + text, re.MULTILINE)]
        assert numbers == list(range(9, 9 + len(numbers)))
        counts.add(len(numbers))
    assert counts == {5, 6, 7, 8}


def test_a_chat_prompt_gets_a_list_from_the_next_number(teacher: RunningTeacher) -> None:
    shown = LIST_PROMPT.removesuffix("\n9.")
    text = text_of(chat(teacher, f"{shown}\n\nPlease write 6 more tasks of this kind."))
    assert re.findall(r"^(\d+)\. ", text, re.MULTILINE) == [str(n) for n in range(9, 15)]
    asked = "Tasks:\n1. Sing.\n2. Jump.\nNow continue with 10 and write new ones."
    assert text_of(chat(teacher, asked)).startswith("10. ")


def test_labelled_numbers_are_kept(teacher: RunningTeacher) -> None:
    text = text_of(complete(teacher, "Tasks:\nTask 1: Sing a song.\nTask 2: Jump.\nTask 3:"))
    assert re.findall(r"^Task (\d+): ", text, re.MULTILINE)[0] == "4"


def test_a_classification_lead_gets_classification_tasks() -> None:
    prompt = LIST_PROMPT.replace("tasks:", "classification tasks with their labels:")
    settings = Settings(duplicate_rate=0.0, flawed_rate=0.0)
    items = shown_items(f"9. {reply(settings, Step.PROPOSE, prompt)}")
    assert all(looks_like_classification(item) for item in items)


def test_own_classification_tasks_are_told_from_the_others() -> None:
    english = English(Random(4))
    for only in (True, False):
        for _ in range(300):
            task = english.instruction(only_classification=only)
            if only:
                assert looks_like_classification(task), task
                assert len(english.labels(task)) >= 2
    assert len(CLASSIFICATION_TASKS) + len(OPEN_TASKS) >= 40


@pytest.mark.parametrize(
    ("task", "wanted"),
    [
        ("Classify the review as positive or negative.", ["Positive", "Negative"]),
        ("Is the claim true or false?", ["True", "False"]),
        ("Sort mails into urgent, routine or spam.", ["Urgent", "Routine", "Spam"]),
    ],
)
def test_labels_are_taken_from_the_task(task: str, wanted: list[str]) -> None:
    assert English(Random(0)).labels(task) == wanted


def test_yes_and_no_are_bare_on_completions_and_sometimes_wordy_in_chat() -> None:
    yes = "Task: Classify the letter as kind or rude.\nIs it classification?"
    no = "Task: Write a song about rain.\nIs it classification?"
    assert reply(Settings(), Step.CLASSIFY, yes) == " Yes"
    assert reply(Settings(), Step.CLASSIFY, no) == " No"
    said = {reply(Settings(), Step.CLASSIFY, f"{n} {no}", is_chat=True) for n in range(200)}
    assert " No" in said
    assert any(re.match(r"\**No\b.{10,}", text) for text in said)
    assert not any("Yes" in text for text in said)


def test_instances_have_the_shape_of_the_prompt() -> None:
    few_shot = "Task: Add.\nExample 1\nInput: 1, 2\nOutput: 3\n\n"
    shapes: set[str] = set()
    for number in range(200):
        task = f"Task: Rewrite the following letter number {number} politely.\n"
        text = reply(Settings(), Step.ANSWER, few_shot + task)
        assert "Output: " in text
        shapes.add("examples" if text.startswith("Example 1\n") else "lone")
        assert re.match(r"Example 1\n\w+: .+\nOutput: .+|Output: .+", text)
    assert shapes == {"examples", "lone"}


def test_instances_of_a_classification_task_begin_with_their_label() -> None:
    few_shot = "Task: Judge.\nClass label: good\nText: Fine.\n\n"
    text = reply(Settings(), Step.ANSWER, few_shot + "Task: Is the note kind or rude?\n")
    blocks = re.findall(r"^Class label: (.+)\n.+", text, re.MULTILINE)
    assert sorted(blocks) == ["Kind", "Rude"]


def test_blocks_go_on_with_their_own_numbers() -> None:
    prompt = "Tasks:\n###\n3. Instruction: Sing.\n3. Input:\n<noinput>\n3. Output:\nLa.\n###\n"
    text = f"4. Instruction:{reply(Settings(), Step.BLOCKS, prompt + '4. Instruction:')}"
    blocks = text.split("###\n")
    assert 8 <= len(blocks) <= 16
    for number, block in enumerate(blocks, start=4):
        shape = rf"{number}\. Instruction: .*\n{number}\. Input:\n.+\n{number}\. Output:\n.+\n?"
        assert re.fullmatch(shape, block), block
    assert any("<noinput>" in block for block in blocks)
    assert reply(Settings(), Step.BLOCKS, prompt).startswith("###\n4. Instruction: ")


def test_talk_goes_on_where_the_transcript_stops() -> None:
    opening = 'They talk about "sea salt".\n[Human] Hello!\n[AI] How can I help?\n'
    whole = reply(Settings(), Step.DIALOGUE, opening)
    turns = re.findall(r"^\[(Human|AI)\] .+", whole, re.MULTILINE)
    assert turns == ["Human", "AI"] * (len(turns) // 2)
    human = reply(Settings(), Step.DIALOGUE, opening + "[Human]")
    assert human.split("[AI]")[0].strip().endswith("?")
    assert "[AI]" not in reply(Settings(), Step.DIALOGUE, opening + "[Human] Why?\n[AI]")[:5]


def test_evolution_adds_words_and_keeps_the_task() -> None:
    frame = "Rewrite it harder ({}).\n#Given Prompt#:\nPlan a picnic for nine.\n#Rewritten Prompt#:"
    said = [reply(Settings(), Step.EVOLVE, frame.format(number)) for number in range(200)]
    longer = [text for text in said if text.startswith("Plan a picnic for nine. ")]
    assert len(longer) > 170
    assert all(8 <= len(text.split()) - 5 <= 26 for text in longer)
    assert "Plan a picnic for nine." in said
    assert any("sorry" in text for text in said)
    assert any("Rewritten Prompt" in text for text in said)


def test_judgements_have_the_form_that_is_asked_for() -> None:
    assert reply(Settings(), Step.JUDGE, "Reply Equal or Not Equal.") in ("Equal", "Not Equal")
    number = re.match(r"Score: (\d+)\nReason: ", reply(Settings(), Step.JUDGE, "Rate 1 to 10."))
    assert number is not None
    assert 1 <= int(number[1]) <= 10
    text = reply(Settings(), Step.JUDGE, 'Give JSON like {"quality": 3, "reason": "..."}.')
    assert re.fullmatch(r'\{"quality":\d,"reason":".+"\}', text)


def test_a_rubric_gets_a_score_for_each_criterion() -> None:
    """The same answer is about as good in every sample; answers differ."""
    frame = (
        "From 1 (poor) to 5 (excellent).\n- tone: kind?\n- truth: so?\n\n<request>\nSing.\n"
        "</request>\n<answer>\n- la: {}\n</answer>"
    )
    script = GrammarScript(Settings())
    means: list[float] = []
    for number in range(40):
        text = frame.format(number)
        prompt = Prompt(text, text, is_chat=True)
        samples = [
            json.loads(script.reply("rubric", Step.RUBRIC, prompt, digest, 0).text or "")
            for digest in (prompt_digest(f"{text}{seed}") for seed in range(3))
        ]
        assert all(list(each) == ["tone", "truth", "reason"] for each in samples)
        assert {type(each["tone"]) for each in samples} == {int}
        tones = [each["tone"] for each in samples]
        assert all(1 <= tone <= 5 for tone in tones)
        assert max(tones) - min(tones) <= 2
        means.append(sum(tones) / 3)
    assert min(means) < 3 < max(means)


def test_rewards_are_numbers_that_depend_on_the_row_alone(teacher: RunningTeacher) -> None:
    row = {"instruction": "Sing.", "input": "", "output": "La."}
    told = [ask(teacher, "score", **row).json()["score"] for _ in range(2)]
    assert told[0] == told[1] != ask(teacher, "score", **{**row, "output": "No."}).json()["score"]
    refused = ask(teacher, "score", **{**row, "output": None})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "output")
    said = reply(Settings(), Step.REWARD, "Sing.\n\nLa.")
    assert re.fullmatch(r"reward:-?\d\.\d{3}", said)


@pytest.mark.parametrize(
    ("passage", "request_mark", "silence"),
    [
        ("Tea is hot. Milk is cold today. Salt is dry and white.", "Request: ", "[NO ANSWER]"),
        ("绿茶要用热水冲泡。牛奶要放在冰箱里。食盐是白色的。", "请求：", "[无法回答]"),
    ],
)
def test_a_passage_is_asked_about_and_quoted(passage: str, request_mark: str, silence: str) -> None:
    script = GrammarScript(Settings())
    shown = f"<passage>\n{passage}\n</passage>\n"

    def said(step: Step, text: str) -> str:
        prompt = Prompt(text, text, is_chat=True)
        return script.reply(step, step, prompt, prompt_digest(text), 0).text or ""

    asked = shown_items(said(Step.PASSAGE_QUESTIONS, shown))
    assert len(set(asked)) == 3
    answers = {
        said(Step.PASSAGE_ANSWER, f"{shown}{number}\n{request_mark}{question}")
        for number in range(40)
        for question in asked
    }
    assert silence in answers
    assert len(answers) == 4
    assert all(each in passage for each in answers - {silence})
    assert said(Step.PASSAGE_QUESTIONS, "<passage>\n\n</passage>") == "[NO ANSWER]"


def test_chinese_prompts_get_chinese_text(teacher: RunningTeacher) -> None:
    text = text_of(complete(teacher, CHINESE_LIST))
    items = shown_items("3." + text)
    assert len(items) >= 4
    assert sum("\u4e00" <= character <= "\u9fff" for character in text) > len(text) / 2


def test_same_reply_never_changes() -> None:
    settings = Settings(same_reply=True)
    assert len({reply(settings, Step.PROPOSE, prompt) for prompt in list_prompts(20)}) == 1
    assert len({reply(settings, Step.CHAT_TURN, f"Say {n}.") for n in range(20)}) == 1
