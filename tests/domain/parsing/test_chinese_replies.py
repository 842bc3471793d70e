"""What teachers send that write Chinese: lists, verdicts, instances, and the talk around them."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import pytest

from app.domain.language import Language
from app.domain.parsing.instances import has_labels, tolerant_labels, tolerant_pairs
from app.domain.parsing.instruction_list import tolerant_items
from app.domain.parsing.verdict import tolerant_verdict

POEM, SALT = "写一首关于雨的短诗。", "列出盐的三种用途。"
Pairs = list[tuple[str, str]]


def pairs(reply: str) -> Pairs:
    return [(each.input, each.output) for each in tolerant_pairs(reply, Language.CHINESE)]


def labels(reply: str) -> Pairs:
    return [(each.input, each.output) for each in tolerant_labels(reply, Language.CHINESE)]


@pytest.mark.parametrize(
    "reply",
    [
        f" {POEM}\n10. {SALT}",
        f"{POEM}\n10、{SALT}",
        f"9．{POEM}\n10．{SALT}",
        f"9：{POEM}\n10：{SALT}",
        f"（9）{POEM}\n（10）{SALT}",
        f"任务9：{POEM}\n任务10：{SALT}",
        f"任务 9：{POEM}\n任务 10：{SALT}",
        f"**9.** {POEM}\n**10.** {SALT}",
        f"9. “{POEM}”\n10. “{SALT}”",
        f"好的，以下是续写的任务列表：\n\n9. {POEM}\n10. {SALT}",
        f"当然可以！下面是更多任务：\n9. {POEM}\n10. {SALT}",
        f"9. {POEM}\n10. {SALT}\n\n希望这些任务对您有帮助！",
        f"9. {POEM}\n10. {SALT}\n\n以上任务涵盖了多种类型，如果您需要更多，请随时告诉我。",
        f"```\n9. {POEM}\n10. {SALT}\n```",
    ],
)
def test_a_list_is_read_however_it_is_numbered(reply: str) -> None:
    items = tolerant_items(reply)
    assert [each.text for each in items if not each.chatter] == [POEM, SALT]


@pytest.mark.parametrize(
    "text",
    [
        "以下面这段对话为例，指出其中的礼貌用语。",
        "下面的句子有语病，请改正：",
        "续写下面的故事：",
        "好的习惯怎样养成？",
        "当然，也要写出反例。",
        "继续讲下去会发生什么？",
        "抱歉的话怎样说才真诚？",
        "以下是一段对话，请指出其中的矛盾：",
    ],
)
def test_a_task_is_not_taken_for_talk(text: str) -> None:
    items = tolerant_items(f" {text}\n10. {SALT}")
    kept = [each.text for each in items if not each.chatter]
    assert kept[-1] == SALT
    assert kept[0].endswith(text[3:])


def test_a_refusal_is_talk() -> None:
    (item,) = tolerant_items("抱歉，我无法继续完成这个列表。")
    assert item.chatter


@pytest.mark.parametrize(
    "reply",
    [
        " 是",
        "是。",
        "是的，这是分类任务。",
        "**是**",
        "“是”",
        "这是分类任务吗？是",
        "答案：是",
        "回答：是的，答案只有两个。",
        "是分类任务，因为类别已经给出。",
        "属于分类任务。",
        "这个任务要求从三个类别中选择，因此属于分类任务。",
        "该任务是一个典型的分类问题。",
        "Yes",
    ],
)
def test_yes(reply: str) -> None:
    assert tolerant_verdict(reply) is True


@pytest.mark.parametrize(
    "reply",
    [
        " 否",
        "不是",
        "不是。这是一个开放的写作任务。",
        "否，答案是一段文字。",
        "**否**",
        "答案：否",
        "这不是分类任务。",
        "该任务不属于分类任务，因为没有固定的类别。",
        "这是一个写作任务，而不是分类任务。",
        "这是分类任务吗？不是",
        "不，这是翻译。",
        "No",
    ],
)
def test_no(reply: str) -> None:
    assert tolerant_verdict(reply) is False


@pytest.mark.parametrize(
    "reply", ["", "这要看怎样理解题目。", "是否分类取决于材料。", "任务很有意思。"]
)
def test_neither(reply: str) -> None:
    assert tolerant_verdict(reply) is None


TWO = [("苹果、梨", "2"), ("桃", "1")]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("示例 1\n输入：苹果、梨\n输出：2\n示例 2\n输入：桃\n输出：1", TWO),
        ("示例1：\n输入: 苹果、梨\n输出: 2\n\n示例2：\n输入: 桃\n输出: 1", TWO),
        (
            "**示例 1**\n**输入：** 苹果、梨\n**输出：** 2\n\n**示例 2**\n**输入**：桃\n输出：1",
            TWO,
        ),
        ("### 示例一\n输入：苹果、梨\n输出：2\n---\n### 示例二\n输入：桃\n输出：1", TWO),
        ("【示例1】\n【输入】苹果、梨\n【输出】2\n【示例2】\n【输入】桃\n【输出】1", TWO),
        ("例1：输入：苹果、梨\n输出：2\n例2：输入：桃\n输出：1", TWO),
        ("Example 1\n输入：苹果、梨\n输出：2\nExample 2\n输入：桃\n输出：1", TWO),
        ("Example 1\nInput: 苹果、梨\nOutput: 2\nExample 2\nInput: 桃\nOutput: 1", TWO),
        ("好的，以下是示例：\n示例 1\n输入：苹果、梨\n输出：2\n示例 2\n输入：桃\n输出：1", TWO),
        ("输出：春雨细细。", [("", "春雨细细。")]),
        ("输出：\n例如：先写提纲。", [("", "例如：先写提纲。")]),
        ("示例 1\n短文：雨停了。\n输出：晴", [("短文：雨停了。", "晴")]),
        ("例如，先写提纲。", []),
        ("春雨细细。", []),
    ],
)
def test_pairs(reply: str, expected: Pairs) -> None:
    assert pairs(reply) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (
            "类别：好评\n输入：很好吃。\n类别：差评\n输入：太咸了。",
            [("很好吃。", "好评"), ("太咸了。", "差评")],
        ),
        ("**类别：** 好评\n**输入：** 很好吃。", [("很好吃。", "好评")]),
        ("示例 1\n类别标签: 好评\n评论：很好吃。", [("评论：很好吃。", "好评")]),
        ("1. 类别：**好评**\n输入：很好吃。", [("很好吃。", "好评")]),
        ("【类别】好评\n【输入】很好吃。", [("很好吃。", "好评")]),
        ("Class label: 好评\n输入：很好吃。", [("很好吃。", "好评")]),
        ("类别：对", [("", "对")]),
        ("很好吃。", []),
    ],
)
def test_labels(reply: str, expected: Pairs) -> None:
    assert labels(reply) == expected
    assert has_labels(reply, Language.CHINESE) == bool(expected)


def test_english_replies_know_no_chinese_marks() -> None:
    reply = "Output: 输出：两个字"
    assert [each.output for each in tolerant_pairs(reply)] == ["输出：两个字"]
    assert tolerant_labels("类别：对") == []
