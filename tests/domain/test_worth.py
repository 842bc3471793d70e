"""The worth curve: what is drawn, what the next rows buy, and the picture."""

import math
import xml.etree.ElementTree as ElementTree

import pytest

from app.domain.worth import Arm, Outcome, Source, arms, drawn, means, next_rows
from app.domain.worth_chart import chart


def outcome(source: Source, rows: int, repeat: int, loss: float, share: float = 1.0) -> Outcome:
    return Outcome(Arm(source, share, repeat), rows, 3.0, loss, 2.0, None)


def curve(*offsets: float) -> list[Outcome]:
    """A loss that falls by 0.1 for each factor e in rows."""
    return [
        outcome(Source.ROWS, rows, repeat, 2.0 + offset - 0.1 * math.log(rows), rows / 3000)
        for repeat, offset in enumerate(offsets)
        for rows in (300, 900, 3000)
    ]


def test_each_repeat_is_a_whole_curve() -> None:
    found = arms([1, 0.1], 2, seeds=True, pool=False)
    assert [each.name for each in found] == [
        *("rows-10-0", "rows-100-0", "seeds-100-0"),
        *("rows-10-1", "rows-100-1", "seeds-100-1"),
    ]


def test_fewer_rows_are_among_the_more_and_repeats_differ() -> None:
    ids = [str(number) for number in range(1000)]
    few, many = drawn(ids, 100, 0), drawn(ids, 300, 0)
    assert len(few) == 100
    assert few < many
    assert len(few & drawn(ids, 100, 1)) < 40


def test_what_the_next_thousand_rows_buy() -> None:
    found = next_rows(curve(0.0, 0.3))
    assert found is not None
    assert (found.rows, found.more) == (3000, 1000)
    assert found.change == pytest.approx(-0.1 * math.log(4000 / 3000))
    assert found.low == pytest.approx(found.high)
    assert next_rows([outcome(Source.ROWS, 300, 0, 2.0)]) is None
    assert next_rows([outcome(Source.SEEDS, 30, 0, 2.0), outcome(Source.ROWS, 9, 0, 1.0)]) is None


def test_repeats_are_taken_together() -> None:
    found = means([*curve(0.0, 0.3), outcome(Source.SEEDS, 100, 0, 2.5)])
    assert [(each.source, each.rows, each.n) for each in found] == [
        *((Source.ROWS, rows, 2) for rows in (300, 900, 3000)),
        (Source.SEEDS, 100, 1),
    ]
    assert found[0].high - found[0].low == pytest.approx(0.3)


def test_the_picture_is_sound_and_says_all_numbers() -> None:
    found = [*curve(0.0), outcome(Source.SEEDS, 100, 0, 2.5), outcome(Source.POOL, 3000, 0, 1.9)]
    picture = chart(found, "Loss <of> & rows")
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own
    texts = [each.text or "" for each in root.iter() if each.tag.endswith(("title", "text"))]
    assert texts[0] == "Loss <of> & rows"
    for words in ("seeds alone", "unfiltered pool", "base", "3,000"):
        assert words in texts, words
    assert any("1.9000" in each for each in texts)
    circles = [each for each in root.iter() if each.tag.endswith("circle")]
    assert len(circles) == len(found) + 3, "a dot for each run, and three in the legend"
    assert chart([outcome(Source.ROWS, 5, 0, 3.0)], "one point")
