"""Reads promptsource's YAML files: plain YAML and two tags, every fault with its line."""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from app.domain.templates import METRICS, SEPARATOR, Template, TemplateFile, TemplateMetadata
from app.errors import InvalidUpload, LineProblem, UploadReport

MAX_BYTES = 4 << 20
_DEEPEST = 32
_LISTED = 100
_PLAIN = "tag:yaml.org,2002:"
_TEMPLATE, _METADATA = "!Template", "!TemplateMetadata"
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_YAML: Any = yaml  # its functions are not typed
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_template_file(text: str, name: str) -> TemplateFile:
    """Read a file's text; `name` is what to call it. Raises InvalidUpload, every fault named."""
    reader = _Reader()
    root = _composed(text, name)
    found = reader.file(root)
    if reader.errors:
        _refuse(name, reader.errors)
    return TemplateFile(*found, notices=tuple(reader.notices))


def _composed(text: str, name: str) -> Node:
    try:
        _check_depth(text, name)
        root: Node | None = _YAML.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        detail = f"the YAML is broken here: {error.problem or error}"
        _refuse(name, [LineProblem(line, "yaml_syntax", detail, column=column)])
    except yaml.YAMLError as error:
        _refuse(name, [LineProblem(1, "yaml_syntax", f"the YAML cannot be read: {error}")])
    if root is None:
        _refuse(name, [LineProblem(1, "empty_upload", "the file is empty")])
    return root


def _check_depth(text: str, name: str) -> None:
    """Composing is recursive, so what is nested without end is refused before."""
    depth = 0
    for event in _YAML.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            line = event.start_mark.line + 1
            detail = f"nested deeper than {_DEEPEST} levels"
            _refuse(name, [LineProblem(line, "too_deep", detail)])


def _refuse(name: str, errors: list[LineProblem]) -> NoReturn:
    report = UploadReport(
        errors=tuple(errors[:_LISTED]), error_count=len(errors), truncated=len(errors) > _LISTED
    )
    raise InvalidUpload(f"{name} is no file of templates that can be used.", report)


class _Reader:
    """Walks the nodes of a file and notes what is wrong or odd."""

    def __init__(self) -> None:
        self.errors: list[LineProblem] = []
        self.notices: list[LineProblem] = []

    def file(self, root: Node) -> tuple[str, str | None, tuple[Template, ...]]:
        self._check_tags(root)
        entries = self._entries(root, "the file", "dataset, subset, templates")
        self._report_unknown(entries, {"dataset", "subset", "templates"}, "the file")
        dataset = self._text(entries, "dataset")
        if dataset is None:
            self._notice(root, "missing_field", "no dataset is named")
        node = entries.get("templates")
        if node is None:
            self._error(root, "missing_field", "there is no mapping `templates`")
            return "", None, ()
        templates = self._entries(node, "templates", "an id and a template each")
        found = tuple(self._template(key, each) for key, each in templates.items())
        self._report_repeats(found)
        return dataset or "", self._text(entries, "subset"), found

    def _template(self, key: str, node: Node) -> Template:
        entries = self._entries(node, f"template {key}", "name, jinja, answer_choices ...")
        known = {*Template.__dataclass_fields__} - {"line"}
        self._report_unknown(entries, known, f"template {key}")
        identifier = self._text(entries, "id") or key
        if identifier != key:
            self._notice(node, "id_differs", f"template {key} calls itself {identifier}")
        if not _UUID.fullmatch(identifier):
            self._notice(node, "id_no_uuid", f"the id {identifier} is no UUID")
        return Template(
            id=identifier,
            name=self._needed(node, entries, "name", key),
            jinja=self._jinja(node, entries, key),
            answer_choices=self._text(entries, "answer_choices"),
            reference=self._text(entries, "reference") or "",
            metadata=self._metadata(entries.get("metadata"), key),
            task_template=self._flag(entries, "task_template"),
            line=_line(node),
        )

    def _jinja(self, node: Node, entries: dict[str, Node], key: str) -> str:
        jinja = self._needed(node, entries, "jinja", key)
        if jinja and SEPARATOR not in jinja:
            detail = f"template {key} has no {SEPARATOR} between input and target"
            self._error(entries["jinja"], "no_separator", detail)
        return jinja

    def _metadata(self, node: Node | None, key: str) -> TemplateMetadata:
        if node is None or node.tag == f"{_PLAIN}null":
            return TemplateMetadata()
        entries = self._entries(node, f"metadata of template {key}", "original_task ...")
        known = {*TemplateMetadata.__dataclass_fields__}
        self._report_unknown(entries, known, f"metadata of template {key}")
        found = TemplateMetadata(
            original_task=self._flag(entries, "original_task"),
            choices_in_prompt=self._flag(entries, "choices_in_prompt"),
            metrics=self._texts(entries, "metrics"),
            languages=self._texts(entries, "languages"),
        )
        for metric in sorted({*found.metrics} - METRICS):
            self._notice(node, "unknown_metric", f"template {key} names the metric {metric}")
        for language in found.languages:
            if not _LANGUAGE.fullmatch(language):
                self._notice(node, "unknown_language", f"{language} is no language code")
        return found

    def _check_tags(self, root: Node) -> None:
        for node in _all_nodes(root):
            if not node.tag.startswith(_PLAIN) and node.tag not in (_TEMPLATE, _METADATA):
                detail = f"the tag {node.tag}; only {_TEMPLATE} and {_METADATA} are known"
                self._error(node, "unknown_tag", detail)
            elif node.tag.startswith(f"{_PLAIN}python"):
                self._error(node, "unknown_tag", f"the tag {node.tag} would run code")

    def _report_repeats(self, templates: tuple[Template, ...]) -> None:
        for what in ("name", "jinja"):
            seen: dict[str, Template] = {}
            for each in templates:
                first = seen.setdefault(getattr(each, what), each)
                if first is not each:
                    detail = f"template {each.id} has the {what} of the one in line {first.line}"
                    self.notices.append(LineProblem(each.line, f"repeated_{what}", detail))

    def _entries(self, node: Node, what: str, wanted: str) -> dict[str, Node]:
        """The members of a mapping; a name that comes twice is an error."""
        if not isinstance(node, MappingNode):
            self._error(node, "wrong_type", f"{what} must be a mapping: {wanted}")
            return {}
        found: dict[str, Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else ""
            if not name:
                self._error(key, "wrong_type", f"a name in {what} must be a text")
            elif name in found:
                detail = f"{name} is there twice in {what}, first in line {_line(found[name])}"
                self._error(key, "duplicate_key", detail)
            else:
                found[name] = value
        return found

    def _report_unknown(self, entries: dict[str, Node], known: set[str], what: str) -> None:
        for name in entries.keys() - known:
            self._notice(entries[name], "unknown_field", f"{what} has a field {name}: ignored")

    def _needed(self, node: Node, entries: dict[str, Node], name: str, key: str) -> str:
        value = self._text(entries, name)
        if not value:
            self._error(entries.get(name, node), "missing_field", f"template {key} has no {name}")
        return value or ""

    def _text(self, entries: dict[str, Node], name: str) -> str | None:
        node = entries.get(name)
        if node is None or node.tag == f"{_PLAIN}null":
            return None
        if isinstance(node, ScalarNode):
            return str(node.value)
        self._error(node, "wrong_type", f"{name} must be a text")
        return None

    def _texts(self, entries: dict[str, Node], name: str) -> tuple[str, ...]:
        node = entries.get(name)
        if node is None or node.tag == f"{_PLAIN}null":
            return ()
        if isinstance(node, SequenceNode) and all(isinstance(n, ScalarNode) for n in node.value):
            return tuple(str(each.value) for each in node.value)
        self._notice(node, "wrong_type", f"{name} must be a list of texts: ignored")
        return ()

    def _flag(self, entries: dict[str, Node], name: str) -> bool | None:
        node = entries.get(name)
        if node is None or node.tag == f"{_PLAIN}null":
            return None
        if node.tag != f"{_PLAIN}bool":
            self._notice(node, "wrong_type", f"{name} must be true or false: ignored")
            return None
        return str(node.value).lower() in {"true", "yes", "on"}

    def _error(self, node: Node, code: str, detail: str) -> None:
        self.errors.append(LineProblem(_line(node), code, detail))

    def _notice(self, node: Node, code: str, detail: str) -> None:
        self.notices.append(LineProblem(_line(node), code, detail))


def _line(node: Node) -> int:
    return node.start_mark.line + 1


def _all_nodes(root: Node) -> Iterator[Node]:
    """Every node once; an alias leads to a node that was there before."""
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        yield node
        inner: list[Node] = []
        if isinstance(node, MappingNode):
            inner = [each for pair in node.value for each in pair]
        elif isinstance(node, SequenceNode):
            inner = list(node.value)
        waiting += [each for each in inner if id(each) not in seen]
        seen |= {id(each) for each in inner}
