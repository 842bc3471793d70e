"""Self-Instruct in Chinese: its prompts and stops, the rules it keeps, the replies it reads."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from random import Random

import pytest

from app.domain.method import Completion, Decoding
from app.domain.prompts.library import prompt_file
from app.domain.records import Answer, Candidate, Source, SourceKind
from tests.domain.playing import play, self_instruct

SHOWN = [Source(SourceKind.SEED, str(n), f"完成第{n}项\n 任务：") for n in range(1, 9)]
TASK = Candidate("把行星按大小排列。")
CHINESE = {"language": "zh"}


def propose(reply: Completion | str, **given: object) -> list[tuple[str, ...]]:
    method = self_instruct("default", **CHINESE, **given)
    return [each.reasons for each in play(method.propose(SHOWN, Random(0)), reply)[1]]


def answer(*replies: Completion | str, **given: object) -> Answer:
    return play(self_instruct("default", **CHINESE, **given).answer(TASK), *replies)[1]


def kept(answer: Answer) -> list[tuple[str, str]]:
    return [(each.input, each.output) for each in answer.instances if not each.dropped]


def test_the_list_is_chinese_and_ends_in_a_bare_number() -> None:
    asked = next(self_instruct(**CHINESE).propose(SHOWN, Random(0)))
    lines = asked.text.splitlines()
    assert lines[1:3] == ["1. 完成第1项 任务", "2. 完成第2项 任务"]
    assert lines[-1] == "9."
    assert asked.version == "self_instruct/propose.zh@1"
    assert "第 15 个" in (asked.system or "")
    assert asked.decoding.stop == ("\n16",)
    only = next(self_instruct(**CHINESE, classification_only=True).propose(SHOWN, Random(0)))
    assert only.version == "self_instruct/propose_classification.zh@1"


def test_the_later_steps_are_chinese_with_stops_of_their_own() -> None:
    prompts, _ = play(self_instruct(**CHINESE).answer(TASK), " 否", "输出：火星")
    classified, answered = prompts
    assert classified.text.count("这是分类任务吗？ 是\n") == 12
    assert classified.text.count("这是分类任务吗？ 否\n") == 19
    assert classified.text.endswith("任务：把行星按大小排列。\n这是分类任务吗？")
    assert classified.decoding == Decoding(32, 0.0, None, 0.0, 0.0, ("\n任务：",))
    assert answered.version == "self_instruct/answer_input_first.zh@1"
    assert answered.decoding.stop == ("示例 6", "示例6", "\n任务：")
    labelled = play(self_instruct(**CHINESE).answer(TASK), "是的。", "类别：大")[0][1]
    assert labelled.version == "self_instruct/answer_output_first.zh@1"
    few = self_instruct(**CHINESE, classify_yes_examples=1, classify_no_examples=2)
    assert next(few.answer(TASK)).text.count("这是分类任务吗？ ") == 3


@pytest.mark.parametrize(
    ("step", "count"), [("classify", 31), ("answer_input_first", 11), ("answer_output_first", 16)]
)
def test_number_of_worked_examples(step: str, count: int) -> None:
    chinese = prompt_file("self_instruct", step, "zh").examples
    assert len(chinese) == len(set(chinese)) == count
    assert all(each.startswith("任务：") for each in chinese)


@pytest.mark.parametrize("step", ["answer_input_first", "answer_output_first"])
def test_our_worked_examples_are_read_as_they_are_meant(step: str) -> None:
    labels = step == "answer_output_first"
    for example in prompt_file("self_instruct", step, "zh").examples:
        body = example.partition("\n")[2]
        found = answer("是" if labels else "否", body)
        marks = body.count("类别：" if labels else "输出：")
        assert len(kept(found)) == marks, example
        assert all("输出：" not in text and "类别：" not in text for text in sum(kept(found), ()))


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("写一首关于雨的诗。", None),
        ("写诗。", "too_short"),
        ("写" * 149, None),
        ("写" * 150, "too_long"),
        ("描述这张图片的内容。", "blacklisted_phrase"),
        ("编写一个程序来计算平均数。", "forbidden_start"),
        ("（可选）解释什么是潮汐。", "punctuation_start"),
        ("《红楼梦》的作者是谁？", None),
        ("“青出于蓝”的下一句是什么？", None),
        ("-解释什么是潮汐。", "punctuation_start"),
    ],
)
def test_instructions_are_judged_by_the_rules_of_chinese(
    instruction: str, reason: str | None
) -> None:
    assert propose(f" {instruction}") == [(reason,) if reason else ()]


def test_limits_and_lists_can_be_set() -> None:
    assert propose(" 写一首诗。", minimum_words=6) == [("too_short",)]
    assert propose(" 写一首诗。", maximum_words=4) == [("too_long",)]
    assert propose(" 写一首诗。", blacklist=["诗"]) == [("blacklisted_phrase",)]
    assert propose(" 写一首诗。", forbidden_starts=["写一"]) == [("forbidden_start",)]


def test_the_rules_of_english_stay_what_they_were() -> None:
    english = self_instruct()
    found = play(english.propose(SHOWN, Random(0)), " （Optional） Draw it.\n10. Play some music.")[
        1
    ]
    assert [each.reasons for each in found] == [("too_short", "blacklisted_word"), ("too_short",)]
    music = play(english.propose(SHOWN, Random(0)), " Describe some music that you like.")[1]
    assert music[0].reasons == ()


def test_a_reply_becomes_rows() -> None:
    found = answer(
        "不是", "示例 1\n输入：火星、木星\n输出：木星、火星\n示例 2\n输入：金星\n输出：金星："
    )
    assert kept(found) == [("火星、木星", "木星、火星")]
    assert found.instances[1].reasons == ("trailing_colon",)
    assert found.is_classification is False
    labelled = answer("是", "类别：大\n输入：木星\n类别：小\n输入：水星")
    assert kept(labelled) == [("木星", "大"), ("水星", "小")]
    assert kept(answer("这要看情况。", "输出：木星最大。")) == [("", "木星最大。")]


def test_only_english_has_a_published_reading() -> None:
    found = answer(" 否", "示例 1\n输入：火星\n输出：小", reading="published")
    assert kept(found) == [("火星", "小")]
