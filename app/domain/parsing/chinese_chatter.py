"""What a chat model says in Chinese about its answer, before it and after it."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re

_ASSENT = re.compile(
    r"(?:好的|好|当然(?:可以)?|没问题|可以的|明白了?|收到|非常乐意|很高兴(?:能)?(?:帮|为)[^，。！]{0,8}"
    r"|谢谢[^，。！]{0,8})\s*[，,。.！!：:～~]"
)
_REFUSAL = re.compile(
    r"(?:很|非常|十分)?(?:抱歉|对不起|遗憾)[，,。！!]|作为(?:一个|一名)?(?:AI|人工智能|语言模型)"
    r"|我(?:无法|不能|没有办法)(?:帮|协助|提供|继续|完成)"
)
_ANNOUNCEMENT = re.compile(
    r"(?:以下|下面|这里|接下来)(?:是|为|将)|如下"
    r"|我(?:将|会|来|已经?)?(?:为您|为你|给您|给你)?(?:继续|续写|列出|提供|写了?|补充)"
    r"|(?:更多|新的|继续的?|续写的)(?:分类)?(?:任务|指令|内容)|任务列表"
)
_LIST_WORD = re.compile(r"任务|指令|列表|请求|示例|例子|续写的")
_SPEAKS_OF_LIST = re.compile(
    r"任务|指令|列表|(?:您|你)(?:需要|想要|希望|可以)|更多|以上|上述|继续(?:续写|补充|提供)"
)
_GOODBYE = re.compile(
    r"希望(?:这些|以上|上述|我的|对|能)|(?:以上|上述|这些)(?:就是|是|为|任务|指令|内容|列表|示例)"
    r"|如果(?:您|你)?(?:还)?(?:需要|想要|有)[^。！？]*(?:更多|其他|告诉我|随时|请)"
    r"|如(?:需|有)[^。！？]*(?:更多|其他|告诉我|随时|请)|(?:请|欢迎)(?:随时)?(?:告诉我|联系|提问)"
    r"|(?:您|你)(?:还)?(?:需要|想要)我[^。！]*吗|需要我[^。！]*吗|(?:注|备注)[：:]"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_ENDS_OPEN = ("：", ":", "…", "...", "。", "！", "!")


def is_chinese_opening(line: str) -> bool:
    """Whether a line before the answer assents, refuses or announces, in Chinese."""
    line = line.strip()
    if not _HAN.search(line):
        return False
    if _REFUSAL.match(line):
        return True
    rest = line[found.end() :].strip() if (found := _ASSENT.match(line)) else line
    announces = _ANNOUNCEMENT.match(rest) and _LIST_WORD.search(rest)
    if found and not rest:
        return True
    return bool(announces) and rest.rstrip("*_ ").endswith(_ENDS_OPEN if found else _ENDS_OPEN[:4])


def is_chinese_closing(line: str) -> bool:
    """Whether a line after the answer talks to the reader: offers, hopes, sums up."""
    return _GOODBYE.match(line.strip()) is not None


def speaks_of_list_in_chinese(paragraph: str) -> bool:
    """Whether a paragraph after a list of tasks speaks of the list or of the reader."""
    return _SPEAKS_OF_LIST.search(paragraph) is not None


def split_chinese_assent(line: str) -> tuple[str, str]:
    """Part an assent and a task on one line into the assent and the task; either may be empty."""
    found = _ASSENT.match(line.strip())
    if not found:
        return "", line
    rest = line.strip()[found.end() :].strip()
    talks = not rest or is_chinese_opening(rest)
    return (line, "") if talks else (line.strip()[: found.end()].strip(), rest)
