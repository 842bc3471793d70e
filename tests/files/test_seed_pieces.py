"""Any bytes, in pieces of any size, give the same seeds and the same report."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from app.files.seed_upload import OnError, UploadLimits
from tests.files.test_bad_lines import BAD_LINES
from tests.files.uploads import BINARIES, WHOLE_JSON, read, row


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
