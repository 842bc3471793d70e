"""Reads documents of strangers, each in a child process that cannot take the service along."""

import dataclasses
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from app.domain.documents import DocumentKind, Extracted
from app.domain.templates import SkipReason
from app.errors import DocumentProblem, InvalidDocument, Unavailable
from app.sandbox.child_process import ChildGone, ChildProcess
from app.sandbox.frames import framed
from app.sandbox.limits import DocumentLimits

_CHILD = "app.sandbox.document_child"
_USUAL = DocumentLimits()
_EXTRACTED = TypeAdapter(Extracted)
_PROBLEMS = TypeAdapter(tuple[DocumentProblem, ...])
_BYTES_A_CHARACTER = 12


def extract(kind: DocumentKind, body: bytes, limits: DocumentLimits = _USUAL) -> Extracted:
    """The text of a document; raises InvalidDocument, or Unavailable when no child can start."""
    setup = {"kind": kind, "limits": dataclasses.asdict(limits)}
    frame_bytes = limits.max_characters * _BYTES_A_CHARACTER
    try:
        child = ChildProcess(_CHILD, setup, start_s=limits.start_s, frame_bytes=frame_bytes)
    except (ChildGone, OSError) as error:
        raise Unavailable(f"The process that reads documents cannot start: {error}") from error
    with child:
        try:
            child.send_framed(framed(body), limits.wall_s)
            return _read(child.receive(limits.wall_s))
        except ChildGone as gone:
            raise _refused(gone, limits) from gone


def _read(answer: object) -> Extracted:
    members = cast("dict[str, Any]", answer if isinstance(answer, dict) else {})
    try:
        if "refused" in members:
            found = _PROBLEMS.validate_python(members.get("found", ()))
            raise InvalidDocument(members["refused"], found=found, code=members["code"])
        return _EXTRACTED.validate_python(members)
    except ValidationError:
        raise ChildGone(SkipReason.CRASHED, "the child's answer is no answer") from None


def _refused(gone: ChildGone, limits: DocumentLimits) -> InvalidDocument:
    match gone.reason:
        case SkipReason.CPU_TIME:
            said = f"Reading it takes more than {limits.cpu_s:g} s of processor time."
        case SkipReason.WALL_TIME:
            said = f"Reading it takes more than {limits.wall_s:g} s."
        case _:
            most = limits.memory_bytes >> 20
            said = f"It is damaged, or reading it takes more than {most:,} MiB: {gone.detail}."
    return InvalidDocument(said, code="document_bomb")
