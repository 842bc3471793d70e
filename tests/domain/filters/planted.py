"""Rows with one defect each, planted for the filter that is to find it; and rows without any."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from collections.abc import Mapping, Sequence

Row = tuple[str, str, str]

ASKED = "Say what tea is made of."
TOLD = "Tea is made of the leaves of a bush that grows in the hills."
LONG = "Please tell us what you think of every one of these five kinds of green tea and of how "
KEY = "sk-" + "a1B2c3D4" * 5
CARD = "4539 1488 0343 6467"

PLANTED: Mapping[str, Sequence[Row]] = {
    "word_count": [("Say it well.", "", TOLD)],
    "character_count": [(LONG * 3, "", TOLD)],
    "blacklisted_word": [("Say how to plot a garden.", "", TOLD)],
    "blacklisted_phrase": [("Say what 曲线图 is called here.", "", TOLD)],
    "forbidden_start": [("Write a program that sorts teas.", "", TOLD)],
    "punctuation_start": [("(Briefly) say what tea is.", "", TOLD)],
    "non_ascii_start": [("«Tea» is what kind of drink?", "", TOLD)],
    "wrong_language": [("T: напишите пожалуйста короткий рассказ о чае и море", "", TOLD)],
    "image_request": [
        ("Sketch a cat that sleeps.", "", TOLD),
        ("Describe the following photo in short.", "", TOLD),
        ("Generate a nice illustration of a rocket.", "", TOLD),
        ("Please 画一只猫的插图 for the children's room", "", TOLD),
    ],
    "output_equals_input": [(ASKED, TOLD, TOLD)],
    "empty_output": [(ASKED, "green", ""), (ASKED, "green", " \n")],
    "trailing_colon": [(ASKED, "", "The leaves that are used:"), (ASKED, "Tea:", TOLD)],
    "control_characters": [
        (ASKED, "", "Tea \x07 leaves."),
        (ASKED, "broken \ufffd text", TOLD),
        (f"{ASKED}\ufeff", "", TOLD),
        (ASKED, "", "Tea\x85leaves."),
    ],
    "merged_tasks": [
        (ASKED, "", f"{TOLD}\n\n7. Instruction: Say what coffee is."),
        (ASKED, "", f"{TOLD}\n12.Instruction: Say more."),
        (ASKED, "", f"{TOLD}\n8. 指令：说说咖啡。"),
    ],
    "no_input": [
        (ASKED, "<noinput>", TOLD),
        (ASKED, "No Input.", TOLD),
        (ASKED, " (no input) ", TOLD),
        (ASKED, "<无输入>", TOLD),
    ],
    "not_available": [(ASKED, "", "N/A"), (ASKED, "", "<nooutput>"), (ASKED, "", "不适用。")],
    "link": [(ASKED, "See https://tea.test/leaves", TOLD), (ASKED, "www.tea.test", TOLD)],
    "refusal": [
        (ASKED, "", "I'm sorry, but I can't help with that."),
        (ASKED, "", "Unfortunately, I am unable to provide this information."),
        (ASKED, "", "I cannot create a visual of the solar system."),
        (ASKED, "", "很抱歉，我无法提供这方面的信息。"),
        (ASKED, "", "我不能帮助您完成这个请求。"),
    ],
    "as_an_ai": [
        (ASKED, "", "As an AI language model, I like all teas alike."),
        (ASKED, "", "I am just a language model, so I drink none."),
        (ASKED, "", "作为一个人工智能，我不喝茶。"),
        (ASKED, "", "我只是一个语言模型，没有味觉。"),
    ],
    "prompt_leak": [
        (ASKED, "", f"{TOLD}<|im_end|>"),
        (ASKED, "", f"### Response:\n{TOLD}"),
        (ASKED, "[INST] tea", TOLD),
        ("Say it. #Rewritten Prompt#: what is tea?", "", TOLD),
        (ASKED, "", "Here is the rewritten prompt: say what tea is."),
        (ASKED, "", "You are to come up with a series of tasks."),
        (ASKED, "", "改写后的任务如下。"),
    ],
    "repetition_loop": [
        (ASKED, "", "It is tea. " + "It is good tea. " * 12),
        (ASKED, "", "tea " * 40),
        (ASKED, "", "茶很好喝。" * 12),
    ],
    "truncated_answer": [
        (ASKED, "", f"{TOLD} The leaves are picked by hand and then they are dried in the"),
        (ASKED, "", f"{TOLD} The most important kinds of it are green tea, black tea,"),
        (ASKED, "", "Use this:\n```python\nprint('tea')\n"),
        (ASKED, "", "茶树的叶子先采摘下来，然后晒干，并且"),
    ],
    "copied_answer": [
        (
            "Say if this is so: tea is made of the leaves of a bush that grows in the hills.",
            "",
            TOLD,
        )
    ],
    "broken_code": [
        (ASKED, "", "```python\ndef brew(tea)\n    return tea\n```"),
        (ASKED, "", 'Here:\n```json\n{"tea": "green",}\n```'),
        ("Write Python that brews a tea.", "", "def brew(tea):\nreturn tea"),
    ],
    "email_address": [(ASKED, "", f"{TOLD} Ask lin.wei@teahouse.cn for more.")],
    "phone_number": [
        (ASKED, "", f"{TOLD} Call +44 20 7946 1234."),
        (ASKED, "", f"{TOLD} Call (212) 684-4700."),
        (ASKED, "", "请拨打13912345678。"),
    ],
    "card_number": [
        (ASKED, "", f"Pay the tea with {CARD} please."),
        (ASKED, "", "Pay the tea with 5425233430109903 please."),
    ],
    "secret_key": [
        (ASKED, "", f"Use the key {KEY} for it."),
        (ASKED, "AKIA1234567890ABCDEF", TOLD),
        (ASKED, "", "-----BEGIN RSA PRIVATE KEY-----"),
    ],
}

SOUND: Sequence[Row] = [
    (ASKED, "", TOLD),
    ("Say what 5 + 5 is, in a word.", "", "Ten"),
    # Words of a defect that is none.
    ("Apologise for coming late.", "", "I am sorry, but I cannot make up for the time you lost."),
    ("Write a refusal of an invitation.", "", "I'm sorry, I cannot provide my company tonight."),
    ("Explain what an AI assistant is.", "", "I am an AI: that is what it would say of itself."),
    ("Sketch a comparison of two teas.", "", "One is green and the other is black."),
    ("Say who painted the ceiling.", "", "Michelangelo painted it, and many a picture more."),
    ("Answer with yes, no or none.", "", "None"),
    ("Tell us what input is in a form.", "There is no input field.", "A place to write."),
    ("Say what the number means.", "2023-01-15 and 555-0123", "A date, and nobody's number."),
    ("Name the first ten digits.", "0123456789", "Zero to nine, one after the other."),
    ("Say whom to write to.", "", "Write to help@example.com for that, or to a@mail.test."),
    ("Say what the card number is.", "4539 1488 0343 6468", "It is not one: its check fails."),
    ("Name a paper and its number.", "arXiv:2212.10560, ISBN 978-3-16-148410-0", "As given."),
    ("Write the end of a letter.", "", f"{TOLD}\n\nI hope to hear of you soon.\n\nSincerely,"),
    ("Name people worth having.", "", f"{TOLD}\n1. Those one can live with\n2. People to talk to"),
    ("Sing it as a refrain, please.", "", "Row, row, row your boat, gently down the stream. " * 3),
    ("Make a table of teas.", "", "| a | b |\n|---|---|\n" + "| 1 | 2 |\n| 3 | 4 |\n" * 6),
    ("Show how Python greets.", "", "```python\n>>> print('tea')\ntea\n```"),
    ("Show how Python sums up.", "", "```python\ndef total(xs):\n    return sum(xs)\n```"),
    ("Show JSON with a list.", "", '```json\n{"teas": ["green", "black"]}\n```'),
    (
        "Greet a family of four.",
        "",
        "Hello 👨‍👩‍👧‍👦!\u2028 مرحبا \u200fبالعالم\u200e \U0001f375\tthere.",
    ),
    ("Say what a task is called.", "", "The given task is called brewing, in the given prompt."),
    ("Say what the words say.", TOLD, "Tea is made of leaves."),
]
