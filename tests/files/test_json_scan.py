"""The careful scan agrees with the standard library about what JSON is, and never gives up."""

import json
from typing import NoReturn

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.files.json_scan import ScanFault, pointer_token, scan_json
from app.files.jsonl import BadLine, read_object
from app.files.upload_limits import UploadLimits

LESSER = {
    "control_character",
    "duplicate_key",
    "lone_surrogate",
    "number_out_of_range",
    "too_many_keys",
}
fragments = st.sampled_from(
    [
        *("{", "}", "[", "]", ",", ":", '"', '"a"', '"b":', "1", "-", "0", ".5", "e9", " ", "\t"),
        *("true", "null", "NaN", "-Infinity", "\\", "\\u00", "\\ud83d", "\\ude00", "\0", "\u2028"),
    ]
)
texts = st.one_of(
    st.lists(fragments, max_size=12).map("".join),
    st.text(max_size=12),
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(json.dumps),
)


def scan(text: str) -> ScanFault | None:
    return scan_json(text, max_depth=32, max_keys=64)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@settings(max_examples=1000, deadline=None)
@given(texts)
@example('"\x00"')
@example("[-]")
@example('{"a":NaNs}')
def test_it_finds_a_fault_where_the_standard_library_does(text: str) -> None:
    fault = scan(text)
    if not is_json(text):
        assert fault is not None
    elif fault is not None:
        assert fault.code in LESSER
    if fault is not None:
        assert 1 <= fault.column <= len(text) + 1


def refuse(token: str) -> NoReturn:
    raise ValueError(token)


@settings(max_examples=500, deadline=None)
@given(texts)
@example('{"a":1,"a":2}')
@example('{"a":"\\u003a","a":2}')
@example('{"a":"\\u003A", "b":{"a":1,"a":2}}')
@example('{"a:":":","a:":":"}')
@example('{"a":18446744073709551615}')
def test_the_fast_way_lets_nothing_pass_that_the_scan_finds(text: str) -> None:
    raw = text.encode("utf-8", "replace").replace(b"\n", b" ")
    found = read_object(raw, 1, 0, UploadLimits())
    fault = scan(raw.decode())
    if isinstance(found, BadLine):
        expected = fault.code if fault else "not_an_object"
        assert found.problem.code in (expected, "not_an_object")
    else:
        assert fault is None
        assert found == json.loads(raw, parse_constant=refuse)


def test_a_proper_beginning_is_told_from_a_broken_text() -> None:
    for text in ("{", '{"a"', '{"a":', '{"a": 1,', "[", "[1,", '[{"a": 1}', ""):
        fault = scan(text)
        assert fault is not None
        assert fault.unfinished, text
    for text in ('{"a', "[1}", "{]", "[tru"):
        fault = scan(text)
        assert fault is not None
        assert not fault.unfinished, text


def test_deep_and_long_texts_are_read_without_recursion_errors() -> None:
    fault = scan("[" * 200_000)
    assert fault is not None
    assert fault.code == "too_deep"
    assert len(fault.pointer) <= 200
    assert scan('"' + "\\n" * 500_000 + '"') is None


def test_pointer_steps_are_escaped() -> None:
    assert pointer_token("a/b~c") == "/a~1b~0c"
