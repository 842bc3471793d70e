"""Every way in which one line of a seed file can be bad, each with what is said about it."""

import pytest

from tests.files.uploads import GOOD, read, row

LONG = "x" * 32_769
DEEP = b"[" * 32 + b"]" * 32
KEYS = {f"key_{number}": number for number in range(64)}

BAD_LINES = [
    # line 2 of the file, code, column, pointer, words of the detail
    (b'{"instruction" "Write"}', "json_syntax", 16, "", "expected ':'"),
    (b'{"instruction": "a" "output": "b"}', "json_syntax", 21, "", "expected ',' or '}'"),
    (b'{"instruction": "a", }', "json_syntax", 22, "", "expected a key in double quotes"),
    (b"{\"instruction\": 'a'}", "json_syntax", 17, "", "double quotes"),
    (b'{"instruction": "a"', "json_syntax", 20, "", "but the line ends here"),
    (b'{"instruction": "a', "json_syntax", 17, "", "no closing quote"),
    (b'{"instruction": "a\\q"}', "json_syntax", 19, "", "is not an escape"),
    (b'{"instruction": "a\tb"}', "json_syntax", 19, "", "a tab inside a text"),
    (b'{"instruction": "a\\u12G4"}', "json_syntax", 19, "", "four hexadecimal"),
    (b'{"instruction": "a"} {}', "json_syntax", 22, "", "expected the end of the line"),
    (b'{"n": 012, "instruction": "a"}', "json_syntax", 8, "", "expected ',' or '}'"),
    ('{"instruction": "äöü" x}'.encode(), "json_syntax", 23, "", "expected ',' or '}'"),
    (b'{"instruction": "\\b and \\d"}', "json_syntax", 25, "", "\\d is not an escape"),
    (b"Name a tree.", "json_syntax", 1, "", "expected a value"),
    (b"[1, 2]", "not_an_object", 1, "", "not a list"),
    (b'"Name a tree."', "not_an_object", 1, "", "not a text"),
    (b"17", "not_an_object", 1, "", "not a number"),
    (b"null", "not_an_object", 1, "", "not null"),
    (b"{}", "missing_field", None, "/instruction", "every row needs an instruction"),
    (b'{"Instruction": "a"}', "missing_field", None, "/instruction", "'Instruction'"),
    (b'{"instruction": ""}', "blank", None, "/instruction", "empty"),
    (b'{"instruction": " \\n\\t "}', "blank", None, "/instruction", "empty"),
    ('{"instruction": "\u200b\u2060"}'.encode(), "blank", None, "/instruction", "empty"),
    (b'{"instruction": 5}', "wrong_type", None, "/instruction", "not a number"),
    (b'{"instruction": null}', "wrong_type", None, "/instruction", "not null"),
    (b'{"instruction": ["a"]}', "wrong_type", None, "/instruction", "not a list"),
    (row(input=1), "wrong_type", None, "/input", "must be text"),
    (row(output={}), "wrong_type", None, "/output", "not an object"),
    (row(instances={}), "wrong_type", None, "/instances", "a list of objects"),
    (row(instances=["a"]), "wrong_type", None, "/instances/0", "not text"),
    (
        row(instances=[{"output": "a"}, {"input": "b", "output": True}]),
        "wrong_type",
        None,
        "/instances/1/output",
        "not true or false",
    ),
    (
        row(instances=[{"input": "b"}]),
        "missing_field",
        None,
        "/instances/0/output",
        "needs an output",
    ),
    (row(is_classification="yes"), "wrong_type", None, "/is_classification", "true or false"),
    (row(name=3), "wrong_type", None, "/name", "must be text"),
    (row(id=1.5), "wrong_type", None, "/id", "must be text"),
    (row(output=LONG), "too_long", None, "/output", "32,769 characters; the limit is 32,768"),
    (row(instances=[{"output": LONG}]), "too_long", None, "/instances/0/output", "32,769"),
    (b'{"instruction": 5, "output": 6}', "wrong_type", None, "/instruction", "/output: must be"),
    (row(x="y" * 1_048_576), "line_too_long", None, "", "longer than 1,048,576 bytes"),
    (b'{"instruction": "a", "x": ' + DEEP + b"}", "too_deep", 58, "/x" + "/0" * 31, "32 levels"),
    (row(**KEYS), "too_many_keys", None, "", "more than 64 keys"),
    (b'{"n": 9223372036854775808}', "number_out_of_range", 7, "/n", "64 bits"),
    (b'{"n": ' + b"9" * 5000 + b"}", "number_out_of_range", 7, "/n", "64 bits"),
    (b'{"n": 1e999}', "number_out_of_range", 7, "/n", "finite"),
    (b'{"n": NaN}', "number_out_of_range", 7, "/n", "NaN"),
    (b'{"n": [1, 0, null, 7.5 , 012]}', "json_syntax", 27, "", "expected ',' or ']'"),
    (b'{"n": [1, 2,]}', "json_syntax", 13, "", "expected a value"),
    (b'{"n": [0, -Infinity]}', "number_out_of_range", 11, "/n/1", "NaN and Infinity"),
    (
        b'{"a": 1, "b": 2, "a": 3}',
        "duplicate_key",
        18,
        "/a",
        '"a" is given twice, at columns 2 and',
    ),
    (b'{"a": 1, "\\u0061": 3}', "duplicate_key", 10, "/a", "columns 2 and 10"),
    (b'{"x": {"a:": ":", "a:": ":"}}', "duplicate_key", 19, "/x/a:", "columns 8 and 19"),
    (b'{"a/b~": 1, "a/b~": 1}', "duplicate_key", 13, "/a~1b~0", "columns 2 and 13"),
    (GOOD, "duplicate_row", None, "", "the same as line 1"),
    (b'{"id": 9,"instruction":"Name a tree."}', "duplicate_row", None, "", "the same as line 1"),
    (b'{"instruction": "caf\xe9"}', "not_utf8", 21, "", "0xE9 at offset 20 of the line (52 of the"),
    (b'{"instruction": "\xed\xa0\x80"}', "not_utf8", 18, "", "0xED at offset 17"),
    (b'{"instruction": "a\\u0000b"}', "control_character", 19, "/instruction", "U+0000"),
    (b'{"instruction": "a\x00b"}', "control_character", 19, "/instruction", "U+0000"),
    (b'{"instruction": "a\\u001Bb"}', "control_character", 19, "/instruction", "U+001B"),
    (b'{"instruction": "a\\bb"}', "control_character", 19, "/instruction", "U+0008"),
    (b"\x00\x00\x00", "control_character", 1, "", "U+0000"),
    (b'{"instruction": "a\\ud800b"}', "lone_surrogate", 19, "/instruction", "\\ud800 is half"),
    (b'{"instruction": "\\ude00\\ud83d"}', "lone_surrogate", 18, "/instruction", "\\ude00 is half"),
    (b'{"\\ud83d\\u0041": 1}', "lone_surrogate", 3, "", "\\ud83d is half"),
]


@pytest.mark.parametrize(
    ("line", "code", "column", "pointer", "words"),
    BAD_LINES,
    ids=[f"{case[1]}-{number}" for number, case in enumerate(BAD_LINES)],
)
def test_a_bad_line_is_named(
    line: bytes, code: str, column: int | None, pointer: str, words: str
) -> None:
    outcome = read(GOOD + b"\n" + line + b"\n" + row(output="Oak."))
    assert outcome.failure is not None
    assert outcome.failure[:2] == ("InvalidUpload", "invalid_upload")
    assert outcome.report.error_count == 1
    assert outcome.report.lines_read == 3
    problem = outcome.report.errors[0]
    assert (problem.line, problem.code, problem.pointer) == (2, code, pointer)
    if code != "too_many_keys":
        assert problem.column == column
    assert words in problem.detail
    assert problem.excerpt is not None
    assert 0 < len(problem.excerpt) <= 80
    assert problem.excerpt.isprintable()
