"""promptsource's YAML: every field is read, and every fault is named with its line."""

from pathlib import Path

import pytest

from app.domain.template_files import read_template_file
from app.domain.templates import TemplateMetadata
from app.errors import InvalidUpload, LineProblem
from tests.domain.playing import DATA, needs_data
from tests.domain.template_text import FILE, one_template

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
PUBLISHED = sorted((DATA / "promptsource").rglob("templates.yaml"))


def faults(text: str) -> tuple[LineProblem, ...]:
    with pytest.raises(InvalidUpload) as refused:
        read_template_file(text, "templates.yaml")
    return refused.value.report.errors


def notices(text: str) -> list[str]:
    return [each.code for each in read_template_file(text, "templates.yaml").notices]


def test_every_field_is_read() -> None:
    file = read_template_file(FILE, "templates.yaml")
    assert (file.name, file.notices) == ("weather/daily", ())
    first, second = file.templates
    assert first.id == FIRST
    assert (first.name, first.reference, first.line) == ("how is it", "ours", 4)
    assert first.jinja == "How is it? {{ report }} ||| {{ answer_choices[label] }}"
    assert first.answer_choices == "rain ||| sun"
    assert first.metadata == TemplateMetadata(True, False, ("Accuracy",), ("en",))
    assert first.task_template is None
    assert second.answer_choices is None
    assert second.metadata == TemplateMetadata()
    assert second.task_template is True


@needs_data
@pytest.mark.parametrize("path", PUBLISHED, ids=[path.parent.name for path in PUBLISHED])
def test_published_files_are_read_without_a_notice(path: Path) -> None:
    file = read_template_file(path.read_text(encoding="utf-8"), str(path))
    assert len(file.templates) >= 7
    assert file.notices == ()


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("", 1, "empty_upload"),
        ("- a\n- b\n", 1, "wrong_type"),
        ("dataset: d\n", 1, "missing_field"),
        ("dataset: d\ntemplates: 3\n", 2, "wrong_type"),
        ("dataset: d\ntemplates:\n  x: [1\n", 4, "yaml_syntax"),
        ("a: \0", 1, "yaml_syntax"),
        ("x: " + "[" * 5000 + "]" * 5000, 1, "too_deep"),
        (one_template(jinja="'no separator'"), 6, "no_separator"),
        (one_template(jinja="[1, 2]"), 6, "wrong_type"),
        (one_template(name="''"), 5, "missing_field"),
        (one_template(metadata="[]"), 7, "wrong_type"),
        (one_template(reference="!!python/name:os.system"), 7, "unknown_tag"),
        (one_template(reference="!!python/object/apply:os.system [id]"), 7, "unknown_tag"),
        (one_template(reference="!Other {}"), 7, "unknown_tag"),
        (FILE.replace(f"{SECOND}: !", f"{FIRST}: !"), 16, "duplicate_key"),
    ],
)
def test_faults_are_named(text: str, line: int, code: str) -> None:
    assert (line, code) in [(each.line, each.code) for each in faults(text)]


def test_all_faults_are_named_at_once() -> None:
    text = one_template(jinja="'none'", reference="!Other {}", answer_choices="[]")
    assert {each.code for each in faults(text)} == {"no_separator", "unknown_tag", "wrong_type"}


def test_oddities_are_noted_and_no_more() -> None:
    assert notices(one_template(colour="red")) == ["unknown_field", "id_no_uuid"]
    assert "id_differs" in notices(one_template(id="y"))
    assert "unknown_metric" in notices(one_template(metadata="!TemplateMetadata {metrics: [F9]}"))
    assert "wrong_type" in notices(one_template(metadata="{original_task: often}"))
    assert "wrong_type" in notices(one_template(metadata="{metrics: Accuracy}"))
    assert "unknown_language" in notices(one_template(metadata="{languages: [Welsh!]}"))
    assert notices(FILE.replace("dataset: weather\n", "")) == ["missing_field"]
    twice = FILE.replace("name: report", "name: how is it")
    assert notices(twice) == ["repeated_name"]


def test_an_alias_cannot_grow() -> None:
    """Ten levels of ten references each would be ten billion texts."""
    levels = ["a0: &a0 [x]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 11)
    ]
    text = "\n".join([*levels, one_template()])
    assert "unknown_field" in notices(text)
