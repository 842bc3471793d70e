"""The seed reader: every bad line by name, every layout, the same in pieces of any size."""

import gzip
import hashlib
import io
import json
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.records import Seed, SeedInstance
from app.errors import CultivarError, InvalidUpload, NotText, TooLarge, UploadReport
from app.files.seed_upload import OnError, SeedReader, UploadLimits, read_seed_file

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
GOOD = b'{"instruction": "Name a tree."}'


@dataclass(frozen=True)
class Outcome:
    """Everything that a reader says about a file."""

    seeds: tuple[Seed, ...]
    report: UploadReport
    digest: str
    failure: tuple[str, str, str] | None


def read(
    data: bytes,
    *,
    piece: int = 1 << 20,
    limits: UploadLimits | None = None,
    on_error: OnError = "reject",
    dedupe: bool = False,
) -> Outcome:
    reader = SeedReader(limits=limits, on_error=on_error, dedupe=dedupe)
    seeds: list[Seed] = []
    failure = None
    try:
        for start in range(0, len(data), piece):
            seeds += reader.feed(data[start : start + piece])
        seeds += reader.finish()
    except CultivarError as error:
        failure = (type(error).__name__, error.code, error.detail)
    return Outcome(tuple(seeds), reader.report, reader.digest, failure)


def row(**fields: object) -> bytes:
    return json.dumps({"instruction": "Name a tree.", **fields}).encode()


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


GOOD_FILES = [
    b"\xef\xbb\xbf" + GOOD,
    GOOD + b"\r\n",
    b"\n\n \t\r\n" + GOOD + b"\n\n",
    b"  " + GOOD + b"  \r\n",
    row(special_tag=None, motivation_app="x", instruction_type=[1, {"a": "b"}]),
    row(x=[[[1.5e300, -(2**63), 2**63 - 1, True, None]]]),
    b'{"instruction": "Name a tree.", "x": ' + b"[" * 31 + b"]" * 31 + b"}",
    row(**{f"key_{number}": number for number in range(63)}),
    row(x="a:b\\:\n\t" + "é" * 10),
    row(id=None, name=None, is_classification=None, instances=[], input="", output=""),
]


@pytest.mark.parametrize("data", GOOD_FILES)
def test_harmless_oddities_are_accepted(data: bytes) -> None:
    outcome = read(data)
    assert outcome.failure is None
    assert outcome.seeds == (Seed("Name a tree."),)
    assert outcome.report.error_count == 0


LAYOUTS = [
    (
        row(
            id="task_1",
            name="trees",
            instances=[{"input": "a", "output": "b"}, {"output": ""}],
            is_classification=True,
        ),
        Seed(
            "Name a tree.",
            (SeedInstance("a", "b"), SeedInstance("", "")),
            True,
            "trees",
            "task_1",
        ),
    ),
    (row(id=7), Seed("Name a tree.", external_id="7")),
    (row(output="Oak."), Seed("Name a tree.", (SeedInstance("", "Oak."),))),
    (row(input="in a park"), Seed("Name a tree.", (SeedInstance("in a park", ""),))),
    (row(input="a", output="b"), Seed("Name a tree.", (SeedInstance("a", "b"),))),
]


@pytest.mark.parametrize(("line", "seed"), LAYOUTS)
def test_three_layouts_are_read(line: bytes, seed: Seed) -> None:
    assert read(line).seeds == (seed,)


@pytest.mark.parametrize("escaped", [True, False])
def test_texts_are_kept_as_they_are(escaped: bool) -> None:
    text = (
        " \u202eabc\u200d e\u0301 é 👩‍🚀 \u2028 <script> {{7*7}} =cmd() '; -- \x7f\x85 \r\n\t\"\\ "
    )
    line = json.dumps({"instruction": text}, ensure_ascii=escaped).encode()
    assert read(line).seeds == (Seed(text),)


WHOLE_JSON = [
    json.dumps([{"instruction": "a"}, {"instruction": "b"}]).encode(),
    json.dumps([{"instruction": "a"}, {"instruction": "b"}], indent=2).encode(),
    json.dumps({"instruction": "a", "output": "b"}, indent=2).encode(),
    b'[{"instruction": "a"},\n{"instruction": "b"}]\n',
    b"\n\xef\xbb\xbf"[1:] + b'\r\n[{"instruction": "a"}]',
    json.dumps([{"instruction": "a" * 1000}] * 2000).encode(),
]


@pytest.mark.parametrize("data", WHOLE_JSON)
@pytest.mark.parametrize("on_error", ["reject", "skip"])
def test_a_json_file_that_is_not_jsonl_is_named_once(data: bytes, on_error: OnError) -> None:
    outcome = read(data, on_error=on_error)
    assert outcome.failure is not None
    assert outcome.failure[:2] == ("InvalidUpload", "looks_like_json_not_jsonl")
    assert "jq" in outcome.failure[2]
    assert outcome.report.error_count == 1
    assert outcome.report.errors[0].code == "looks_like_json_not_jsonl"
    assert outcome.report.lines_read == data.count(b"\n") + (not data.endswith(b"\n"))


def test_a_list_among_rows_is_a_bad_line_of_its_own() -> None:
    outcome = read(b'[{"instruction": "a"}]\n' + GOOD, on_error="skip")
    assert [each.code for each in outcome.report.errors] == ["not_an_object"]
    assert outcome.seeds == (Seed("Name a tree."),)


@pytest.mark.parametrize("data", [b"", b"\n\n \t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
@pytest.mark.parametrize("on_error", ["reject", "skip"])
def test_a_file_without_rows_is_refused(data: bytes, on_error: OnError) -> None:
    outcome = read(data, on_error=on_error)
    assert outcome.failure is not None
    assert outcome.failure[:2] == ("InvalidUpload", "empty_upload")


def archive(kind: str) -> bytes:
    held = io.BytesIO()
    if kind == "tar":
        with tarfile.open(fileobj=held, mode="w") as tar:
            member = tarfile.TarInfo("seeds.jsonl")
            member.size = len(GOOD)
            tar.addfile(member, io.BytesIO(GOOD))
    else:
        name = "xl/workbook.xml" if kind == "Excel" else "seeds.jsonl"
        with zipfile.ZipFile(held, "w") as zipped:
            zipped.writestr(name, GOOD)
    return held.getvalue()


BINARIES = [
    (gzip.compress(GOOD), "gzip"),
    (archive("zip"), "zip"),
    (archive("Excel"), "Excel"),
    (archive("tar"), "tar"),
    (b"PAR1\x15\x04", "Parquet"),
    (b"%PDF-1.7\n%", "PDF"),
    (b"\x89PNG\r\n\x1a\n\x00", "PNG"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
    (b"\x28\xb5\x2f\xfd\x04", "Zstandard"),
    (b"\xfd7zXZ\x00\x00", "xz"),
    (b"BZh91AY&SY", "bzip2"),
]


@pytest.mark.parametrize(("data", "kind"), BINARIES)
@pytest.mark.parametrize("piece", [1, 100_000])
def test_binary_content_is_refused_by_its_kind(data: bytes, kind: str, piece: int) -> None:
    outcome = read(data, piece=piece)
    assert outcome.failure is not None
    assert outcome.failure[:2] == ("NotText", "compressed_or_binary")
    assert kind in outcome.failure[2]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_wide_encodings_are_named_once(encoding: str) -> None:
    outcome = read(((GOOD + b"\n") * 3).decode().encode(encoding), on_error="skip")
    assert outcome.failure is not None
    assert outcome.failure[:2] == ("InvalidUpload", "not_utf8")
    assert encoding[:6].upper() in outcome.failure[2]
    assert outcome.report.error_count == 1


def test_limits_are_refused_at_once() -> None:
    small = UploadLimits(max_bytes=1000)
    reader = SeedReader(limits=small)
    reader.feed(b" " * 1000)
    with pytest.raises(TooLarge, match="1,000 bytes") as caught:
        reader.feed(b" ")
    assert caught.value.code == "too_large"
    with pytest.raises(TooLarge):
        reader.finish()


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_as_many_lines_as_allowed_and_no_more(end: bytes) -> None:
    three = UploadLimits(max_lines=3)
    data = b"\n".join(row(output=str(number)) for number in range(3))
    assert read(data + end, limits=three).failure is None
    outcome = read(data + b"\n" + b"\n", limits=three)
    assert outcome.failure is not None
    assert outcome.failure[:2] == ("TooLarge", "too_many_lines")


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_line_of_exactly_the_limit_is_read(end: bytes) -> None:
    exact = UploadLimits(max_line_bytes=len(GOOD))
    for piece in (1, 7, 1000):
        assert read(GOOD + end, limits=exact, piece=piece).failure is None
        assert read(b" " + GOOD + end, limits=exact, piece=piece).report.error_count == 1


def test_all_errors_are_counted_and_the_first_listed() -> None:
    data = b"".join(b"{\n" if number % 2 else row(id=number) + b"\n" for number in range(1, 400))
    outcome = read(b'{"instruction": "Name a bush."}\n' + data)
    assert outcome.report.error_count == 398
    assert len(outcome.report.errors) == 100
    assert outcome.report.truncated
    assert outcome.failure is not None
    assert "lines 2, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 388 more" in outcome.failure[2]


def test_the_refusal_names_the_lines() -> None:
    reader = SeedReader()
    reader.feed(GOOD + b"\n5\n" + b"{}\n" + GOOD + b"\n")
    with pytest.raises(InvalidUpload) as caught:
        reader.finish()
    assert caught.value.detail.startswith("Nothing was stored. Correct lines 2, 3 and 4 and")
    assert caught.value.title == "3 lines of the file cannot be used"
    assert caught.value.report == reader.report


def test_no_seed_is_given_after_a_bad_line() -> None:
    data = b" " * 600 + GOOD + b"\n5\n" + row(output="a") + b"\n"
    assert len(read(data).seeds) == 1
    skipped = read(data, on_error="skip")
    assert len(skipped.seeds) == 2
    assert skipped.failure is None
    assert skipped.report.rows_read == 2


def test_skipping_everything_is_refused() -> None:
    outcome = read(b"5\n{}\n", on_error="skip")
    assert outcome.failure is not None
    assert outcome.failure[:2] == ("InvalidUpload", "invalid_upload")


def test_dedupe_keeps_the_first() -> None:
    reader = SeedReader(dedupe=True)
    seeds = reader.feed(row(id=1) + b"\n" + row(id=2) + b"\n" + row(output="a") + b"\n")
    seeds += reader.finish()
    assert [seed.external_id for seed in seeds] == ["1", None]
    assert reader.duplicates_left_out == 1
    assert reader.report.error_count == 0


def lines() -> st.SearchStrategy[bytes]:
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    rows = st.dictionaries(
        st.sampled_from(["instruction", "input", "output", "id", "x"]),
        texts | st.integers() | st.none() | st.booleans() | st.lists(texts, max_size=2),
        max_size=3,
    )
    good = st.builds(lambda text: row(output=text), texts)
    known = [line for line, *_ in BAD_LINES if len(line) < 100]
    objects = st.builds(lambda value: json.dumps(value).encode(), rows)
    return st.one_of(good, objects, st.sampled_from(known), st.binary(max_size=30))


files = st.one_of(
    st.binary(max_size=600),
    st.lists(lines(), max_size=12).map(b"\n".join),
    st.lists(lines(), max_size=12).map(b"\r\n".join),
    st.sampled_from(WHOLE_JSON[:5] + [data for data, _ in BINARIES]),
)
small_limits = st.builds(
    UploadLimits,
    max_bytes=st.integers(0, 700) | st.just(10_000),
    max_line_bytes=st.integers(1, 60) | st.just(1000),
    max_lines=st.integers(0, 8) | st.just(1000),
    max_field_chars=st.integers(1, 30),
    max_errors_listed=st.integers(1, 5),
)


@settings(max_examples=400, deadline=None)
@given(
    data=files,
    piece=st.integers(1, 700),
    limits=small_limits,
    on_error=st.sampled_from(["reject", "skip"]),
    dedupe=st.booleans(),
)
def test_pieces_of_any_size_give_the_same(
    data: bytes, piece: int, limits: UploadLimits, on_error: OnError, dedupe: bool
) -> None:
    whole = read(data, limits=limits, on_error=on_error, dedupe=dedupe)
    pieces = read(data, piece=piece, limits=limits, on_error=on_error, dedupe=dedupe)
    if whole.failure is not None and whole.failure[0] in ("TooLarge", "NotText"):
        # What was given before such a refusal depends on when the pieces came.
        assert pieces.failure == whole.failure
        assert pieces.report == whole.report
    else:
        assert pieces == whole


@settings(max_examples=200, deadline=None)
@given(data=files)
def test_seeds_survive_being_written_again(data: bytes) -> None:
    outcome = read(data, on_error="skip")
    for seed in outcome.seeds:
        seed.instruction.encode("utf-8")
        assert "\x00" not in seed.instruction
    assert outcome.report.rows_read == len(outcome.seeds)
    assert outcome.report.rows_read + outcome.report.error_count <= outcome.report.lines_read


def test_memory_stays_flat_under_one_endless_line() -> None:
    tracemalloc.start()
    try:
        reader = SeedReader()
        for _ in range(90):
            reader.feed(b"x" * (1 << 20))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
    with pytest.raises(InvalidUpload):
        reader.finish()
    assert [each.code for each in reader.report.errors] == ["line_too_long"]


def many_rows(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield row(instruction=f"Describe object {number}: what is it and how does it work?") + b"\n"


@pytest.mark.slow
def test_a_hundred_thousand_rows_take_seconds() -> None:
    data = b"".join(many_rows(100_000))
    started = time.process_time()
    assert len(read(data, piece=1 << 16).seeds) == 100_000
    assert time.process_time() - started < 4.0


def test_the_digest_is_that_of_the_raw_bytes() -> None:
    data = b"\xef\xbb\xbf" + GOOD + b"\r\n"
    assert read(data, piece=3).digest == hashlib.sha256(data).hexdigest()


def published(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not there")
    return path


def test_a_real_upload_with_bad_lines() -> None:
    path = published("instruction_wild/user_2_with_bad_lines.jsonl")
    seeds, report = read_seed_file(path, on_error="skip")
    assert len(seeds) == 245
    found = [(each.line, each.code) for each in report.errors]
    assert found == [(134, "json_syntax"), (168, "json_syntax"), (247, "duplicate_row")]
    assert "line 105" in report.errors[2].detail
    with pytest.raises(InvalidUpload, match="lines 134, 168 and 247"):
        read_seed_file(path)


@pytest.mark.parametrize(
    ("name", "count", "instances"),
    [
        ("instruction_wild/seeds_en.jsonl", 429, 0),
        ("instruction_wild/seeds_zh.jsonl", 429, 0),
        ("self_instruct/seed_tasks.jsonl", 175, 1),
        ("self_instruct/user_oriented_instructions.jsonl", 252, 1),
    ],
)
def test_published_files_are_read_whole(name: str, count: int, instances: int) -> None:
    seeds, report = read_seed_file(published(name))
    assert len(seeds) == report.rows_read == count
    assert report.error_count == 0
    assert all(len(seed.instances) == instances for seed in seeds)


def test_a_refused_binary_is_not_a_line_problem() -> None:
    with pytest.raises(NotText):
        SeedReader().feed(b"\x1f\x8b" + b"\x00" * 600)
