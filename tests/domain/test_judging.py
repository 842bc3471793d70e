"""Scores, criteria and agreement; Krippendorff's own worked example is the reference for alpha."""

import pytest

from app.domain.judging import (
    BadCriteria,
    Judgement,
    agreement,
    edges,
    judgement_of,
    ordinal_alpha,
    read_criteria,
)

# «Computing Krippendorff's Alpha-Reliability» (2011), section E: four observers, twelve units.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)


def test_alpha_is_that_of_the_published_example() -> None:
    units = [
        [float(each) for each in unit if each is not None] for unit in zip(*OBSERVERS, strict=True)
    ]
    alpha = ordinal_alpha(units)
    assert alpha is not None
    assert round(alpha, 3) == 0.815


def test_agreement_counts_pairs_of_the_same_row() -> None:
    found = agreement([[4, 5, 4], [2, 2], [1]])
    assert found is not None
    assert (found.rows, found.pairs) == (2, 4)
    assert found.mean_difference == pytest.approx(0.5)
    assert found.exact == pytest.approx(0.5)
    assert agreement([[4], [5]]) is None


def test_alpha_is_unknown_where_all_scores_are_the_same() -> None:
    assert ordinal_alpha([[3, 3], [3, 3]]) is None
    assert ordinal_alpha([[1, 1], [5, 5]]) == pytest.approx(1.0)
    assert ordinal_alpha([[n, n + 0.5] for n in range(101)]) is None


def test_a_judgement_survives_as_facts() -> None:
    judgement = Judgement({"clarity": [4.0, 5.0], "correctness": [2.0, 2.0]})
    assert judgement.overall == pytest.approx(3.25)
    facts = judgement.facts()
    assert facts["score"] == "3.25"
    assert judgement_of(facts) == judgement
    assert judgement_of({"score": "3"}) is None


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (["overall: all"], "means something else"),
        (["tone: kind?\0"], "printable, each in one line"),
        (["tone: kind?\n- truth"], "printable, each in one line"),
        (["clarity: a", "Clarity: b"], "named once"),
        ([": nothing"], "from 1 to 40 characters"),
        (['a "b": c'], "without a quote"),
        ([f"c{n}" for n in range(13)], "at most 12"),
    ],
)
def test_criteria_that_nobody_could_be_asked_for(given: list[str], wrong: str) -> None:
    with pytest.raises(BadCriteria, match=wrong):
        read_criteria(given)


def test_criteria_are_named_before_the_colon() -> None:
    (one, other) = read_criteria(["tone: is it kind: really?", "length"])
    assert (one.name, one.asks, one.line()) == (
        "tone",
        "is it kind: really?",
        "- tone: is it kind: really?",
    )
    assert other.line() == "- length"


def test_edges_are_halves_of_a_point_or_twenty_parts() -> None:
    assert edges(1, 3) == (1, 1.5, 2, 2.5, 3)
    assert len(edges(-40, 60)) == 21
    assert edges(2, 2) == (2, 3)
