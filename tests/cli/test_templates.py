"""`cultivar templates`: what it writes, what it says, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.running import CommandLine
from tests.domain.playing import DATA, needs_data
from tests.domain.template_text import FILE, one_template

ROWS = (
    b'{"report": "Not a cloud.", "label": 1}\n'
    b"\n"
    b'{"report": "Puddles.", "label": 0}\n'
    b'{"report": " ", "label": 7}\n'
)

WET, DRY = {"report": "Puddles.", "label": 0}, {"report": "Not a cloud.", "label": 1}


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A file of two templates."""
    return written(tmp_path, "templates.yaml", FILE)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Three rows, of which the last one gives nothing."""
    return written(tmp_path, "rows.jsonl", ROWS.decode())


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_come_row_by_row(cultivar: CommandLine, templates: Path, rows: Path) -> None:
    ran = cultivar("templates", "render", "--templates", templates, "--rows", rows)
    assert ran.status == 0, ran.errors
    assert ran.lines() == [
        {
            "row": 0,
            "template": "how is it",
            "input": "How is it? Not a cloud.",
            "target": "sun",
        },
        {
            "row": 0,
            "template": "report",
            "input": "Report a sunny day.",
            "target": "Not a cloud.",
        },
        {"row": 1, "template": "how is it", "input": "How is it? Puddles.", "target": "rain"},
    ]
    assert list(ran.lines()[0]) == ["row", "template", "input", "target"]
    assert "3 rows, 2 templates: 3 rendered, 3 skipped" in ran.errors
    assert "report: no_separator 2" in ran.errors
    assert "how is it: empty_target 1" in ran.errors


@needs_data
def test_published_renderings(cultivar: CommandLine, tmp_path: Path) -> None:
    """All templates of a published file at once, as its renderings were published."""
    out = tmp_path / "out.jsonl"
    given = DATA / "promptsource" / "ag_news" / "templates.yaml"
    rows = DATA / "labelled" / "ag_news_200.jsonl"
    ran = cultivar("templates", "render", "--templates", given, "--rows", rows, "--out", out)
    assert ran.status == 0, ran.errors
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [each["row"] for each in found] == [n // 7 for n in range(1400)]
    for path in sorted((DATA / "promptsource" / "rendered").glob("*.jsonl")):
        name = path.stem.removeprefix("ag_news_")
        ours = [(each["input"], each["target"]) for each in found if each["template"] == name]
        lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        published = [
            (each["prompt"].strip(), each["completion"].removesuffix("<|endoftext|>").strip())
            for each in lines
        ]
        assert ours == published


def test_chosen_templates(cultivar: CommandLine, templates: Path, rows: Path) -> None:
    options = ("--templates", templates, "--rows", rows, "--template")
    assert len(cultivar("templates", "render", *options, "report").lines()) == 1
    by_id = cultivar("templates", "render", *options, "11111111-1111-4111-8111-111111111111")
    assert len(by_id.lines()) == 2
    ran = cultivar("templates", "render", *options, "weather")
    assert ran.status == 2
    assert "it has: how is it, report" in ran.errors


def test_limits(cultivar: CommandLine, templates: Path, rows: Path) -> None:
    options = ("--templates", templates, "--rows", rows)
    ran = cultivar("templates", "render", *options, "--limit-per-template", 1)
    assert [each["template"] for each in ran.lines()] == ["how is it", "report"]
    ran = cultivar("templates", "render", *options, "--limit-rows", 1)
    assert "1 rows, 2 templates: 2 rendered, 0 skipped" in ran.errors


def test_drawn_templates(cultivar: CommandLine, templates: Path, tmp_path: Path) -> None:
    rows = written(tmp_path, "many.jsonl", '{"report": "x", "label": 1}\n' * 200)
    options = ("--templates", templates, "--rows", rows, "--per-row", 1)
    drawn = cultivar("templates", "render", *options).lines()
    assert [each["row"] for each in drawn] == list(range(200))
    names = [each["template"] for each in drawn]
    assert 60 < names.count("report") < 140
    assert cultivar("templates", "render", *options).lines() == drawn
    assert cultivar("templates", "render", *options, "--random-seed", 1).lines() != drawn


def test_provenance(cultivar: CommandLine, templates: Path, rows: Path) -> None:
    ran = cultivar("templates", "render", "--templates", templates, "--rows", rows, "--provenance")
    assert ran.lines()[0] == {
        "row": 0,
        "template": "how is it",
        "input": "How is it? Not a cloud.",
        "target": "sun",
        "options": ["rain", "sun"],
        "dataset": "weather",
        "subset": "daily",
        "template_id": "11111111-1111-4111-8111-111111111111",
        "original_task": True,
        "choices_in_prompt": False,
        "languages": ["en"],
    }


def test_triples(cultivar: CommandLine, templates: Path, rows: Path) -> None:
    options = ("--templates", templates, "--rows", rows, "--template", "how is it", "--triples")
    first = cultivar("templates", "render", *options).lines()[0]
    assert first == {"instruction": "How is it? Not a cloud.", "input": "", "output": "sun"}
    ran = cultivar("templates", "render", *options, "--split", "? ", "--provenance")
    assert list(ran.lines()[0].items())[:4] == [
        ("instruction", "How is it"),
        ("input", "Not a cloud."),
        ("output", "sun"),
        ("row", 0),
    ]


def test_preview_writes_nothing(cultivar: CommandLine, templates: Path, rows: Path) -> None:
    out = rows.with_name("out.jsonl")
    options = ("--templates", templates, "--rows", rows, "--out", out)
    ran = cultivar("templates", "render", *options, "--preview", 2)
    assert ran.status == 0
    assert not out.exists()
    assert "row 0, how is it\n  input:\n    How is it? Not a cloud.\n  target:\n    sun" in ran.text
    assert "row 1, report\n  skipped: no_separator" in ran.text
    assert "row 2" not in ran.text


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("r.csv", "report,label\nPuddles.,0\nNot a cloud.,1\n", ()),
        ("r.tsv", "report\tlabel\nPuddles.\t0\nNot a cloud.\t1\n", ()),
        (
            "r.csv",
            "report,label\nPuddles.,wet\nNot a cloud.,dry\n",
            ("--label-names", "label=wet,dry"),
        ),
        ("r.csv", "report,label\nPuddles.,00\nNot a cloud.,01\n", ("--type", "label=int")),
        ("r.json", json.dumps([WET, DRY]), ()),
    ],
)
def test_rows_of_every_kind(
    cultivar: CommandLine,
    templates: Path,
    tmp_path: Path,
    name: str,
    text: str,
    options: tuple[str],
) -> None:
    rows = written(tmp_path, name, text)
    given = ("--templates", templates, "--rows", rows, "--template", "how is it")
    ran = cultivar("templates", "render", *given, *options)
    assert [each["target"] for each in ran.lines()] == ["rain", "sun"], ran.errors


def test_rows_of_parquet(cultivar: CommandLine, templates: Path, tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = arrow.table({"report": ["Puddles.", "Not a cloud."], "label": [0, 1]})
    parquet.write_table(table, tmp_path / "rows.parquet")
    given = ("--templates", templates, "--rows", tmp_path / "rows.parquet")
    ran = cultivar("templates", "render", *given, "--template", "how is it")
    assert [each["target"] for each in ran.lines()] == ["rain", "sun"], ran.errors


def test_features_of_a_data_set(
    cultivar: CommandLine, templates: Path, tmp_path: Path, piped: Callable[[bytes], None]
) -> None:
    features = {"features": {"label": {"names": ["wet", "dry"], "_type": "ClassLabel"}}}
    path = written(tmp_path, "dataset_info.json", json.dumps(features))
    piped(b'{"report": "Puddles.", "label": "wet"}\n')
    ran = cultivar(
        "templates", "render", "--templates", templates, "--rows", "-", "--features", path
    )
    assert ran.lines()[0]["target"] == "rain"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"report": "x"}\n{"report": \n', "line 2"),
        (b'{"answer_choices": "x"}\n', "rename the column"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
    ],
)
def test_bad_rows_are_named_and_nothing_is_written(
    cultivar: CommandLine, templates: Path, tmp_path: Path, text: bytes, said: str
) -> None:
    rows, out = tmp_path / "bad.jsonl", tmp_path / "out.jsonl"
    rows.write_bytes(text)
    given = ("--templates", templates, "--rows", rows, "--out", out)
    ran = cultivar("templates", "render", *given)
    assert ran.status == 2
    assert said in ran.errors
    assert not out.exists()


def test_bad_templates_are_named(cultivar: CommandLine, rows: Path, tmp_path: Path) -> None:
    bad = written(tmp_path, "bad.yaml", one_template(jinja="'{% if %} ||| b'"))
    ran = cultivar("templates", "render", "--templates", bad, "--rows", rows)
    assert ran.status == 2
    assert "line 3 [jinja_syntax] template n, line 1 of its text" in ran.errors
    ran = cultivar("templates", "render", "--templates", tmp_path / "none.yaml", "--rows", rows)
    assert (ran.status, "cannot read" in ran.errors) == (2, True)


def test_a_template_that_fits_no_row_is_told(
    cultivar: CommandLine, rows: Path, tmp_path: Path
) -> None:
    fits = written(tmp_path, "t.yaml", one_template(jinja="'{{ report }}{{ rain }} ||| b'"))
    ran = cultivar("templates", "render", "--templates", fits, "--rows", rows)
    assert "note: template n names what no row has: rain" in ran.errors
    fails = written(tmp_path, "t.yaml", one_template(jinja="'{{ a.b.c }} ||| b'"))
    ran = cultivar("templates", "render", "--templates", fails, "--rows", rows)
    assert ran.status == 2
    assert "Nothing could be rendered" in ran.errors


def test_numbers_as_text_are_pointed_out(
    cultivar: CommandLine, templates: Path, tmp_path: Path
) -> None:
    rows = written(tmp_path, "rows.jsonl", '{"report": "Puddles.", "label": "0"}\n')
    ran = cultivar("templates", "render", "--templates", templates, "--rows", rows)
    assert "note: label holds numbers as text; --type label=int" in ran.errors
    given = ("--templates", templates, "--rows", rows, "--type", "label=int")
    ran = cultivar("templates", "render", *given)
    assert (len(ran.lines()), "note" in ran.errors) == (1, False)


def test_check(cultivar: CommandLine, templates: Path, tmp_path: Path) -> None:
    ran = cultivar("templates", "check", templates)
    assert (ran.status, ran.text) == (0, f"{templates}: weather/daily, 2 templates\n")
    bad = written(tmp_path, "bad.yaml", one_template(jinja="'{{ x | nosuch }} ||| b'"))
    ran = cultivar("templates", "check", templates, bad)
    assert ran.status == 2
    assert "cannot be used" in ran.text
    assert "No filter named 'nosuch'" in ran.errors
    ran = cultivar("templates", "check", tmp_path)
    assert (ran.status, "bad.yaml" in ran.text) == (2, True)
    found = cultivar("templates", "check", templates, "--json").json()
    assert found[0]["templates"][0]["columns"] == ["label", "report"]
    assert found[0]["templates"][0]["fixed_choices"] == ["rain", "sun"]


@needs_data
def test_published_files_can_be_used(cultivar: CommandLine) -> None:
    ran = cultivar("templates", "check", DATA / "promptsource")
    assert ran.status == 0
    assert [line.rpartition(" ")[0][-1] for line in ran.text.splitlines()] == list("7978")


def test_mix(cultivar: CommandLine, tmp_path: Path) -> None:
    lines = [
        {
            "row": n,
            "template": "t",
            "input": f"q {n}",
            "target": "ab"[n % 2],
            "options": ["a", "b"],
        }
        for n in range(400)
    ]
    task = written(tmp_path, "letters.jsonl", "\n".join(map(json.dumps, lines)))
    ran = cultivar("templates", "mix", task, "--rows", 100, "--cap", 300)
    found = ran.lines()
    assert list(found[0]) == ["task", "row", "template", "style", "input", "target", "exemplars"]
    assert len({each["row"] for each in found}) == 100
    assert {each["style"] for each in found} == {
        "zero_shot",
        "zero_shot_options",
        "few_shot",
        "few_shot_options",
    }
    assert "100 examples of 100 wanted from 1 tasks" in ran.errors
    assert cultivar("templates", "mix", task, "--rows", 100, "--cap", 300).lines() == found
    ran = cultivar("templates", "mix", task, "--style", "zero_shot=1")
    assert {each["style"] for each in ran.lines()} == {"zero_shot"}
    assert [each["row"] for each in ran.lines()] != list(range(400)), "shuffled"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--weight", "other=1"), "There is no other"),
        (("--cap", "other=1"), "There is no other"),
        (("--style", "five_shot=1"), "none of"),
        (("--weight", "letters"), "no NAME=NUMBER"),
        (("--rows", "0"), "--rows"),
    ],
)
def test_mixtures_that_cannot_be(
    cultivar: CommandLine, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    task = written(tmp_path, "letters.jsonl", '{"input": "q", "target": "a"}\n')
    ran = cultivar("templates", "mix", task, *options)
    assert ran.status == 2
    assert said in ran.errors


def test_bad_lines_of_a_task_are_named(cultivar: CommandLine, tmp_path: Path) -> None:
    text = '{"input": "q", "target": "a"}\n{"input": "q"}\n'
    task = written(tmp_path, "letters.jsonl", text)
    ran = cultivar("templates", "mix", task, "--out", tmp_path / "out.jsonl")
    assert ran.status == 2
    assert "line 2 [missing_field] there is no field target" in ran.errors
    assert not (tmp_path / "out.jsonl").exists()
