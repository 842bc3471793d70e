"""How a continued list is cut: to the letter of the published code, or as chat models write."""

import pytest

from app.domain.parsing.instruction_list import published_items, tolerant_items


def texts(reply: str) -> list[str]:
    return [item.text for item in tolerant_items(reply) if not item.chatter]


def chatter(reply: str) -> list[str]:
    return [item.text for item in tolerant_items(reply) if item.chatter]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (
            " Sing a song.\n10. Tell a tale.\n11. Ask me.",
            ["Sing a song.", "Tell a tale.", "Ask me."],
        ),
        (" One.\n10 . Two.\n11\t. Three.", ["One.", "Two.", "Three."]),
        (" One.\n10  . Two.", ["One. 10 . Two."]),
        (" One.\n10.Two.\n11) Three.\n12.\tFour.", ["One. 10.Two. 11) Three. 12. Four."]),
        (" One. 10. Two.", ["One. 10. Two."]),
        (" One.\n\n10. Two.", ["One.", "Two."]),
        (" One.\n 10. Two.", ["One. 10. Two."]),
        (" Sort these:\n1. pears\n2. figs", ["Sort these:", "pears", "figs"]),
        (" One.\n10. ", ["One.", ""]),
        (" One.\n10. \n11. Two.", ["One.", "", "Two."]),
        ("9. One.\n10. Two.", ["9. One.", "Two."]),
        ("\n9. One.", ["", "One."]),
        (" a\u00a0 b\t\nc ", ["a b c"]),
        (" One.\n\u0661\u0662. Two.", ["One.", "Two."]),
        ("", [""]),
    ],
)
def test_published_split(reply: str, expected: list[str]) -> None:
    assert [item.text for item in published_items(reply)] == expected


POEM, SALT = "Write a poem about rain.", "List three uses of salt."


@pytest.mark.parametrize(
    "reply",
    [
        f" {POEM}\n10. {SALT}",
        f"{POEM}\n\n10. {SALT}",
        f"9. {POEM}\n10. {SALT}",
        f"9) {POEM}\n10) {SALT}",
        f"(9) {POEM}\n(10) {SALT}",
        f"9.{POEM}\n10.{SALT}",
        f"9 . {POEM}\n10 . {SALT}",
        f"**9.** {POEM}\n**10.** {SALT}",
        f"9. **{POEM}**\n\n10. **{SALT}**",
        f"**9. {POEM}**\n**10. {SALT}**",
        f"1. {POEM}\n2. {SALT}",
        f"Task 9: {POEM}\nTask 10: {SALT}",
        f"### 9. {POEM}\n### 10. {SALT}",
        f" 9. {POEM}\n 10. {SALT}",
        f'9. "{POEM}"\n10. "{SALT}"',
        f"9. {POEM}\r\n10. {SALT}",
        f"- {POEM}\n- {SALT}",
        f"```\n9. {POEM}\n10. {SALT}\n```",
        f"Sure, here are some more tasks:\n\n9. {POEM}\n10. {SALT}",
        f"Certainly! Here are seven more varied tasks:\n1. {POEM}\n2. {SALT}",
        f"Here's the continuation of the list:\n\n9. {POEM}\n10. {SALT}",
        f"Sure! {POEM}\n10. {SALT}",
        f"## More tasks\n9. {POEM}\n10. {SALT}",
        f"9. {POEM}\n10. {SALT}\n\nLet me know if you would like more tasks!",
        f"9. {POEM}\n10. {SALT}\nI hope these help!",
        f"9. {POEM}\n10. {SALT}\n\nThis collection ranges from verse to chemistry.",
        f"Sure thing!\n\n9. {POEM}\n10. {SALT}\n\nFeel free to ask for more.",
    ],
)
def test_tolerant_split(reply: str) -> None:
    assert texts(reply) == [POEM, SALT]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (" Say what 3.5 plus 2 is.", ["Say what 3.5 plus 2 is."]),
        (" Explain:\n3.5 percent agree.\n10. Go on.", ["Explain: 3.5 percent agree.", "Go on."]),
        (
            "9. Rank these:\n   1. figs\n   2. pears\n10. Go on.",
            ["Rank these: 1. figs 2. pears", "Go on."],
        ),
        (
            "9. Sum up the text.\n\nText: It rained.\n10. Go on.",
            ["Sum up the text. Text: It rained.", "Go on."],
        ),
        ('9. Translate this:\n\n"I like tea."', ['Translate this: "I like tea."']),
        ("9. Compute 2**10 and 3**4.", ["Compute 2**10 and 3**4."]),
        ("9. Go on.\n10.", ["Go on.", ""]),
        ("9. Write a C# class.\n10. Go # on.", ["Write a C# class.", "Go # on."]),
        ("9. Label it:\n1) noun\n10. Go on.", ["Label it: 1) noun", "Go on."]),
        ("9. Say if it is rude.\n\nGo away.", ["Say if it is rude. Go away."]),
        ("9. **Rain:** Write a poem.", ["Rain: Write a poem."]),
        ("**9. Rain:** Write a poem.", ["Rain: Write a poem."]),
        ("- just one dash", ["- just one dash"]),
        (
            "I have the following list of numbers:\n10. Go on.",
            ["I have the following list of numbers:", "Go on."],
        ),
        ("Great-aunts are relatives. Explain how.", ["Great-aunts are relatives. Explain how."]),
        (
            "9. \u5199\u4e00\u9996\u8bd7\u3002\n10\u3001\u7ee7\u7eed\u3002",
            ["\u5199\u4e00\u9996\u8bd7\u3002", "\u7ee7\u7eed\u3002"],
        ),
        ("", [""]),
        ("\n\n", [""]),
    ],
)
def test_tolerant_split_leaves_the_words_alone(reply: str, expected: list[str]) -> None:
    assert texts(reply) == expected


@pytest.mark.parametrize(
    "reply",
    [
        "Sure, here are more tasks:",
        "I'm sorry, but I can't help with that.",
        "I\u2019m sorry, but I can\u2019t help with that.",
        "Of course! I'd be happy to help.",
    ],
)
def test_a_reply_that_is_nothing_but_talk(reply: str) -> None:
    assert texts(reply) == []
    assert chatter(reply) == [reply]
