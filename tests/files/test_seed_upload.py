"""The seed reader: every layout, what is said about whole files, limits, and published files."""

import hashlib
import json
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.records import Seed, SeedInstance
from app.errors import InvalidUpload, NotText, TooLarge
from app.files.seed_upload import OnError, SeedReader, UploadLimits, read_seed_file
from tests.files.uploads import BINARIES, GOOD, WHOLE_JSON, read, row

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

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
