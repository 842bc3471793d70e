"""The sandbox of templates: the hostile ones are stopped, the others never notice."""

import os
from collections.abc import Iterator

import pytest

from app.domain.templates import Inspection, Rendered, Skipped, SkipReason, SyntaxFault, Template
from app.sandbox.limits import SandboxLimits
from app.sandbox.template_sandbox import PairOutcome, RowOrder, TemplateSandbox
from tests.sandbox.hostile_templates import CORPUS, Hostile

ROW = {"text": "A line of news.", "label": 1, "words": ["a", "b"]}
LIMITS = SandboxLimits(cpu_s=0.3, wall_s=60, stops=1)
HANGING = (
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}||| {{label}}"
)


def templates(*texts: str) -> list[Template]:
    return [Template(f"id-{n}", f"name-{n}", text) for n, text in enumerate(texts)]


def rendered(sandbox: TemplateSandbox, rows: int, *positions: int) -> list[PairOutcome]:
    return list(sandbox.render(RowOrder(row, ROW, positions) for row in range(rows)))


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[str, Rendered | Skipped]]:
    """What becomes of each hostile template, all in one run, an honest one after each of them."""
    honest = "{{ text }} ||| {{ label }}"
    listed = templates(*(text for each in CORPUS for text in (f"{each.jinja} ||| x", honest)))
    with TemplateSandbox(listed, limits=LIMITS) as sandbox:
        pairs = rendered(sandbox, 1, *range(len(listed)))
        yield {f"{each.template}": each.outcome for each in pairs}


@pytest.mark.parametrize("position", range(len(CORPUS)))
def test_hostile_templates_are_stopped(
    outcomes: dict[str, Rendered | Skipped], position: int
) -> None:
    hostile: Hostile = CORPUS[position]
    found, after = outcomes[str(position * 2)], outcomes[str(position * 2 + 1)]
    if isinstance(hostile.expected, str):
        assert found == Rendered(hostile.expected, "x")
    else:
        assert isinstance(found, Skipped), found
        assert found.reason in hostile.expected
    assert after == Rendered("A line of news.", "1"), "an honest template paid for it"


def test_the_corpus_is_large_and_each_part_of_it_different() -> None:
    assert len({each.jinja for each in CORPUS}) == len(CORPUS) >= 60


def test_nothing_of_ours_is_in_what_they_say(
    outcomes: dict[str, Rendered | Skipped],
) -> None:
    said = repr(list(outcomes.values()))
    assert "root:x:" not in said
    assert os.environ["PATH"] not in said


def test_a_hanging_template_costs_its_own_rows_only() -> None:
    limits = SandboxLimits(cpu_s=0.2, wall_s=60, stops=2)
    listed = templates("{{ text }} ||| {{ label }}", HANGING, "{{ label }} ||| {{ text }}")
    with TemplateSandbox(listed, limits=limits) as sandbox:
        pairs = rendered(sandbox, 5, 0, 1, 2)
    assert [(each.order.row, each.template) for each in pairs] == [
        (row, position) for row in range(5) for position in range(3)
    ]
    hung = [each.outcome for each in pairs if each.template == 1]
    reasons = [each.reason for each in hung if isinstance(each, Skipped)]
    assert reasons == [SkipReason.CPU_TIME] * 2 + [SkipReason.SET_ASIDE] * 3
    assert all(isinstance(each.outcome, Rendered) for each in pairs if each.template != 1)


def test_a_template_that_hangs_while_it_is_read_is_set_aside() -> None:
    hanging = "{{ 99999999 ** 99999999 }} ||| x"
    with TemplateSandbox(templates("{{ text }} ||| x", hanging), limits=LIMITS) as sandbox:
        honest, hung = sandbox.inspect()
        pairs = rendered(sandbox, 1, 0, 1)
    assert honest == Inspection(("text",), None)
    assert isinstance(hung, Skipped)
    assert hung.reason is SkipReason.CPU_TIME
    assert pairs[0].outcome == Rendered("A line of news.", "x")
    assert isinstance(pairs[1].outcome, Skipped)
    assert pairs[1].outcome.reason is SkipReason.SET_ASIDE


def test_every_pair_sees_a_fresh_row() -> None:
    appending = "{% if words.append('c') %}{% endif %}{{ words | join }} ||| x"
    with TemplateSandbox(templates(appending, appending)) as sandbox:
        pairs = rendered(sandbox, 2, 0, 1, 0)
    assert {each.outcome for each in pairs} == {Rendered("abc", "x")}
    assert ROW["words"] == ["a", "b"]


def test_what_a_template_needs_is_told() -> None:
    choices = Template("id", "n", "{{ text }} ||| {{ answer_choices[label] }}", "no ||| yes")
    fault, found = "{% if %} ||| {{ x }}", []
    with TemplateSandbox([choices, *templates(fault)]) as sandbox:
        found = sandbox.inspect()
    assert found[0] == Inspection(("label", "text"), ("no", "yes"))
    assert isinstance(found[1], SyntaxFault)
    assert found[1].line == 1


def test_rows_of_any_size_and_batches_of_any_number() -> None:
    listed = templates("{{ text }} ||| {{ text | length }}")
    orders = [RowOrder(n, {"text": "x" * (n % 7 * 40_000 + 1)}, [0]) for n in range(200)]
    with TemplateSandbox(listed) as sandbox:
        pairs = list(sandbox.render(orders))
    lengths = [int(each.outcome.target) for each in pairs if isinstance(each.outcome, Rendered)]
    assert lengths == [n % 7 * 40_000 + 1 for n in range(200)]


def test_a_row_that_is_no_json_is_told_and_costs_no_other() -> None:
    deep: object = "end"
    for _ in range(600):
        deep = [deep]
    rows: list[dict[str, object]] = [{"text": "a"}, {"text": deep}, {"text": 2**80}, {"text": "b"}]
    with TemplateSandbox(templates("{{ text }} ||| x")) as sandbox:
        pairs = list(sandbox.render(RowOrder(n, row, [0]) for n, row in enumerate(rows)))
    assert [isinstance(each.outcome, Rendered) for each in pairs] == [True, False, False, True]
    refused = pairs[1].outcome
    assert isinstance(refused, Skipped)
    assert (refused.reason, "handed over" in refused.detail) == (SkipReason.ERROR, True)


def test_chance_depends_on_seed_row_and_template_alone() -> None:
    listed = templates("{{ range(9999) | choice }} ||| {{ range(9999) | random }}")
    with TemplateSandbox(listed, seed=1) as one, TemplateSandbox(listed, seed=2) as two:
        first = [each.outcome for each in rendered(one, 9, 0)]
        again = [each.outcome for each in rendered(one, 9, 0)]
        other = [each.outcome for each in rendered(two, 9, 0)]
    assert first == again
    assert len({*first}) == 9
    assert not {*first} & {*other}
