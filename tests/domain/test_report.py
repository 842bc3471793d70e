"""The report: counting, the two rules for verbs, and a page that needs nothing else."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from app.domain.language_of_text import language_of_text
from app.domain.report import Report, Saturation, Spent, funnel, histogram
from app.domain.report_page import report_page
from app.domain.topics import Topic
from app.domain.verb_nouns import most_frequent, verb_and_noun

VERBS, WITH_VERB = most_frequent(
    ["Write a poem.", "Write a long poem of rain", "Write an essay", "Sort the words.", "Why?"]
)
REPORT = Report(
    job="<b>Garden</b> & co",
    method="self_instruct, profile default",
    simulated=True,
    rows=1234,
    rows_read=5,
    funnel=funnel(
        {"issued": 9, "accepted": 5, "rejected": 2, "failed": 2},
        {"novel": 4, "duplicate": 3, "rejected": 2},
        {"accepted": 3, "rejected": 1},
    ),
    drops={"too_short": 2, "<script>": 7},
    saturation=[Saturation(10, 20, 20), Saturation(20, 20, 5)],
    cost=[Spent(1.0, 100, 1), Spent(2.0, 250, 3)],
    nearest_seed=histogram([0.05, 0.1, 0.65, 1.0], (0.0, 0.1, 0.5, 1.0)),
    lengths={"outputs": histogram([3, 4, 500], (0, 5, 10))},
    verbs=VERBS,
    rows_with_verb=WITH_VERB,
    languages={"en": 4, "und": 1},
    topics=[Topic("tea", 3, ("<i>", "cup"))],
    rows_with_topic=3,
)


def test_values_on_an_edge_lie_above_it_and_none_is_lost() -> None:
    assert REPORT.nearest_seed.counts == (1, 1, 2)
    assert REPORT.nearest_seed.mean == pytest.approx(0.45)
    assert REPORT.lengths["outputs"].counts == (2, 1)
    assert histogram([], (0, 1)).mean == 0.0


def test_the_funnel_narrows() -> None:
    assert [each.count for each in REPORT.funnel] == [9, 7, 9, 7, 4, 4, 3]


@pytest.mark.parametrize(
    ("instruction", "found"),
    [
        ("Write a short poem about tea.", ("write", "poem")),
        ("Please give me a list of trees", ("give", "list")),
        ("Explain, in brief, why", None),
        ("What is tea?", None),
        ("The sky is blue. Why?", None),
        ("Sort", None),
        ("写一首诗", None),
        ("", None),
    ],
)
def test_verb_and_object(instruction: str, found: tuple[str, str] | None) -> None:
    assert verb_and_noun(instruction) == found


def test_verbs_are_ranked_with_their_objects() -> None:
    assert [(each.verb, each.count, dict(each.nouns)) for each in VERBS] == [
        ("write", 3, {"poem": 2, "essay": 1}),
        ("sort", 1, {"words": 1}),
    ]
    assert WITH_VERB == 4


def test_languages() -> None:
    assert language_of_text("Write a poem about the rain in spring.") == "en"
    assert language_of_text("写一首关于春天的诗。") == "zh"
    assert language_of_text(" ") == "und"


def drawings(page: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(each) for each in re.findall(r"<svg.*?</svg>", page, re.S)]  # noqa: S314


def test_the_page_needs_nothing_else_and_quotes_what_others_wrote() -> None:
    page = report_page(REPORT)
    assert page == report_page(REPORT)
    assert "&lt;b&gt;Garden&lt;/b&gt; &amp; co" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(?:src|href|url\()", page)
    assert "tea (&lt;i&gt;, cup)</td><td>3<" in page
    assert "none of these</td><td>2<" in page
    assert "Simulated" in page
    assert "Simulated" not in report_page(replace(REPORT, simulated=False))


def test_the_charts_show_the_numbers() -> None:
    saturation, cost, nearest, lengths, rings = drawings(report_page(REPORT))
    heights = [float(each.attrib["height"]) for each in nearest.iter("rect")]
    assert heights[0] * 2 == pytest.approx(heights[2])
    assert [each.text for each in lengths.iter("title")] == ["0 to 5: 2", "5 to 10: 1"]
    assert {each.text for each in rings.iter("title")} == {
        *("write: 3", "sort: 1", "write poem: 2", "write essay: 1", "sort words: 1"),
    }
    for drawing in (saturation, cost):
        points = next(drawing.iter("polyline")).attrib["points"].split()
        assert len(points) == 2
    assert float(points[0].split(",")[1]) > float(points[1].split(",")[1])


def test_every_drawing_has_a_name() -> None:
    assert all(each.attrib["aria-label"] for each in drawings(report_page(REPORT)))


def test_what_is_missing_is_said_in_its_place() -> None:
    missing = {"cost": "rows do not <tell>", "funnel": "no manifest"}
    page = report_page(replace(REPORT, missing=missing))
    assert "<h2>What was spent</h2>\n<p>Not told here: rows do not &lt;tell&gt;.</p>" in page
    assert "calls issued" not in page
    assert len(drawings(page)) == len(drawings(report_page(REPORT))) - 1


def test_a_job_that_has_just_begun_has_a_report_too() -> None:
    empty = replace(
        REPORT, rows=0, rows_read=0, saturation=[], cost=[], verbs=[], languages={}, drops={}
    )
    assert "No rows yet." in report_page(empty)
