"""Checks of template files: whether they can be read, and what each template needs of a row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.domain.template_files import MAX_BYTES, read_template_file
from app.domain.templates import Inspection, Skipped, SyntaxFault, Template, TemplateFile
from app.errors import InvalidInput, InvalidUpload, LineProblem, NotText, TooLarge
from app.sandbox.template_sandbox import TemplateSandbox

_PATTERNS = ("*.yaml", "*.yml")


@dataclass(frozen=True, slots=True)
class CheckedTemplate:
    """A template with the columns that it names and its choices, where they are always the same."""

    id: str
    name: str
    columns: tuple[str, ...]
    fixed_choices: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What was found in a file: problems keep it from being used, notices do not."""

    path: str
    dataset: str
    templates: tuple[CheckedTemplate, ...] = ()
    problems: tuple[LineProblem, ...] = ()
    notices: tuple[LineProblem, ...] = ()


def check_files(paths: Sequence[Path]) -> list[CheckedFile]:
    """Check files, and those below directories; raises InvalidInput where there are none."""
    return list(_inspected([_read(path) for path in _found(paths)]))


def load_templates(path: Path) -> TemplateFile:
    """Read one file of templates; raises InvalidInput, every fault with its line."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
    return read_templates(content, str(path))


def read_templates(content: bytes, name: str) -> TemplateFile:
    """The templates of a file's bytes; raises InvalidInput, every fault with its line."""
    if len(content) > MAX_BYTES:
        raise TooLarge(f"{name} has {len(content):,} bytes; the limit is {MAX_BYTES:,}.")
    try:
        return read_template_file(content.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        detail = f"{name} is not UTF-8 at byte {error.start}; save it as UTF-8."
        raise NotText(detail, code="not_utf8") from error


def check_templates(file: TemplateFile, name: str) -> CheckedFile:
    """What each template of a file that could be read needs, or why it cannot be used."""
    found = CheckedFile(name, file.name, notices=file.notices)
    (checked,) = _inspected([(found, file.templates)])
    return checked


def jinja_problem(template: Template, found: SyntaxFault | Skipped) -> LineProblem:
    """Where and why a template cannot be used; `line` is that of its file."""
    if isinstance(found, SyntaxFault):
        detail = f"template {template.name}, line {found.line} of its text: {found.detail}"
        return LineProblem(template.line, "jinja_syntax", detail)
    detail = f"template {template.name} was stopped while it was read: {found.detail}"
    return LineProblem(template.line, str(found.reason), detail)


def _found(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(each for pattern in _PATTERNS for each in path.rglob(pattern))
        if not inside:
            raise InvalidInput(f"{path} holds no file {' or '.join(_PATTERNS)}.")
        yield from inside


def _read(path: Path) -> tuple[CheckedFile, tuple[Template, ...]]:
    try:
        file = load_templates(path)
    except InvalidUpload as error:
        return CheckedFile(str(path), "", problems=error.report.errors), ()
    return CheckedFile(str(path), file.name, notices=file.notices), file.templates


def _inspected(
    files: Iterable[tuple[CheckedFile, tuple[Template, ...]]],
) -> Iterator[CheckedFile]:
    """All templates go through one child, so that many files are checked in seconds."""
    listed = list(files)
    with TemplateSandbox([each for _, templates in listed for each in templates]) as sandbox:
        findings = iter(sandbox.inspect())
        for file, templates in listed:
            yield _with_findings(file, [(each, next(findings)) for each in templates])


def _with_findings(
    file: CheckedFile, found: Sequence[tuple[Template, Inspection | SyntaxFault | Skipped]]
) -> CheckedFile:
    good = [
        CheckedTemplate(each.id, each.name, finding.columns, finding.fixed_choices)
        for each, finding in found
        if isinstance(finding, Inspection)
    ]
    bad = [
        jinja_problem(each, finding)
        for each, finding in found
        if not isinstance(finding, Inspection)
    ]
    return replace(file, templates=tuple(good), problems=(*file.problems, *bad))
