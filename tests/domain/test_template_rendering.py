"""Rendering: what promptsource makes of a row is made here, except where that was a defect."""

import json
from pathlib import Path

import pytest

from app.domain.template_files import read_template_file
from app.domain.template_rendering import Renderer
from app.domain.templates import Outcome, Rendered, Skipped, SkipReason, Template
from tests.domain.playing import DATA, needs_data
from tests.domain.template_text import FILE

PUBLISHED = sorted((DATA / "promptsource" / "rendered").glob("*.jsonl"))


def render(jinja: str, choices: str | None = None, /, **fields: object) -> Outcome:
    return Renderer([Template("id", "name", jinja, choices)]).render(0, 0, fields)


def given(expression: str, /, **fields: object) -> str:
    """What an expression renders to, as the input."""
    outcome = render(f"[{expression}] ||| t", **fields)
    assert isinstance(outcome, Rendered), outcome
    return outcome.input[1:-1]


def reason(outcome: Outcome) -> SkipReason:
    assert isinstance(outcome, Skipped)
    return outcome.reason


def test_input_target_and_options() -> None:
    file = read_template_file(FILE, "f")
    renderer = Renderer(file.templates)
    row: dict[str, object] = {"report": "Not a cloud.", "label": 1}
    assert renderer.render(0, 0, dict(row)) == Rendered(
        "How is it? Not a cloud.", "sun", ("rain", "sun")
    )
    assert renderer.render(1, 0, dict(row)) == Rendered("Report a sunny day.", "Not a cloud.")
    assert reason(renderer.render(1, 0, row | {"label": 0})) is SkipReason.NO_SEPARATOR


@needs_data
@pytest.mark.parametrize("path", PUBLISHED, ids=[path.stem for path in PUBLISHED])
def test_published_renderings_are_repeated(path: Path) -> None:
    """Both sides stripped, the end mark of the published file removed."""
    name = path.stem.removeprefix("ag_news_")
    text = (DATA / "promptsource" / "ag_news" / "templates.yaml").read_text(encoding="utf-8")
    templates = read_template_file(text, "ag_news").templates
    position = [each.name for each in templates].index(name)
    renderer = Renderer(templates)
    rows = (DATA / "labelled" / "ag_news_200.jsonl").read_text(encoding="utf-8").splitlines()
    published = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == len(published) == 200
    for number, (row, known) in enumerate(zip(rows, published, strict=True)):
        outcome = renderer.render(position, number, json.loads(row))
        assert isinstance(outcome, Rendered)
        assert outcome.input == known["prompt"].strip()
        assert outcome.target == known["completion"].removesuffix("<|endoftext|>").strip()


def test_whitespace_is_jinjas_default() -> None:
    """No block is trimmed, and an undefined name is empty."""
    outcome = render("a\n{% if x %}\n b\n{% endif %}\nc{{ nothing }} ||| t", x=1)
    assert outcome == Rendered("a\n\n b\n\nc", "t")


def test_separators_inside_a_row_are_text() -> None:
    row = {"a": "x ||| y", "b": ["p ||| q"], "c": {"d": "|||"}}
    outcome = render("{{ a }} {{ b[0] }} {{ c.d }} ||| {{ a }}", **row)
    assert outcome == Rendered("x ||| y p ||| q |||", "x ||| y")


def test_separators_inside_a_choice_are_text() -> None:
    outcome = render("q ||| {{ answer_choices[1] }}", "{{ a }} ||| {{ b }}", a="x", b="y|||z")
    assert outcome == Rendered("q", "y|||z", ("x", "y|||z"))


def test_choices_out_of_the_row() -> None:
    choices = '{{ choices.text | join("|||") }}'
    row = {"choices": {"text": ["cold", "warm"], "label": ["A", "B"]}, "key": "B"}
    outcome = render("q ||| {{ answer_choices[choices.label.index(key)] }}", choices, **row)
    assert outcome == Rendered("q", "warm", ("cold", "warm"))


@pytest.mark.parametrize(
    ("jinja", "expected"),
    [
        ("a ||| b ||| c", SkipReason.MANY_SEPARATORS),
        (" ||| b", SkipReason.EMPTY_INPUT),
        ("a ||| {{ nothing }}", SkipReason.EMPTY_TARGET),
        ("a", SkipReason.NO_SEPARATOR),
        ("{{ 1 / 0 }} ||| b", SkipReason.ERROR),
        ("{{ nothing.at.all }} ||| b", SkipReason.ERROR),
        ("{{ ''.__class__ }} ||| b", SkipReason.FORBIDDEN),
        ("{{ 'x' * 2000000 }} ||| b", SkipReason.TOO_LONG),
    ],
)
def test_pairs_that_give_nothing(jinja: str, expected: SkipReason) -> None:
    assert reason(render(jinja)) is expected


def test_helpers_of_promptsource() -> None:
    assert given("{{ x | most_frequent | join(',') }}", x=list("abcbc")) == "b,c"
    assert given("{{ x | most_frequent }}", x=[]) == "None"
    assert given("{{ 'a' | highlight }}") == "<span style='color: #F08080'>a</span>"
    assert given("{% for a, b in zip([1, 2], 'xy') %}{{ a }}{{ b }}{% endfor %}") == "1x2y"
    assert given("{% for n, a in enumerate('xy') %}{{ n }}{{ a }}{% endfor %}") == "0x1y"
    assert given("{{ [5, 6, 7] | reorder([2, 0, 1]) }}") == "[7, 5, 6]"
    assert given("{{ 2 | to_letter }}") == "C"
    assert sorted(given("{{ 4 | permutation | join }}")) == list("0123")
    assert given("{{ ['a'] | choice }}") == "a"


def test_methods_that_published_templates_call() -> None:
    """Lists and dicts may be changed, which is why the immutable sandbox will not do."""
    loop = "{% set l = [] %}{% for w in s.split(' ') %}{% if l.append(w.lower()) %}{% endif %}"
    assert given(loop + "{% endfor %}{{ l | join('-') }}", s="A B") == "a-b"
    update = "{% set d = {} %}{% if d.update({'k': 1}) %}{% endif %}{{ d['k'] }}"
    assert given(update) == "1"
    assert given("{% set n = namespace(v=0) %}{% for i in range(3) %}{% set n.v = n.v + i %}"
                 "{% endfor %}{{ n.v }}") == "3"  # fmt: skip
    assert given("{{ s[s.index('b'):].strip() | replace('c', 'd') | trim }}", s="ab c ") == "b d"
    assert given("{{ d.keys() | list | length }}{{ (7 / 2) | round | int }}", d={"k": 1}) == "14"


def test_columns_with_hyphens_can_be_written() -> None:
    assert given("{{ a_b }}{{ c_d }}", **{"a-b": 1, "c_d": 2, "c-d": 3}) == "12"


def test_nothing_is_cut_by_default() -> None:
    long = "word " * 1000 + "end"
    assert given("{{ t }}", t=long) == long


def test_each_expression_can_be_cut() -> None:
    """Braces of a dict that end an expression stay whole, and no filter is bound to one part."""
    templates = [Template("i", "n", "{{ {'a': {'b': t}}.a.b if t else '' }}. ||| {{ t }}")]
    outcome = Renderer(templates, truncate=12).render(0, 0, {"t": "one two three four"})
    assert outcome == Rendered("one two....", "one two...")


def test_equal_seeds_give_equal_texts() -> None:
    templates = [Template("i", "n", "{{ range(10**5 - 1) | choice }} ||| t")]

    def draws(seed: int) -> list[Outcome]:
        renderer = Renderer(templates, seed=seed)
        return [renderer.render(0, row, {}) for row in (3, 1, 2)]

    assert draws(0) == draws(0)
    assert len({*draws(0), *draws(1)}) == 6
    assert Renderer(templates).render(0, 1, {}) == draws(0)[1], "whatever was rendered before"
