"""Reads the one form that the files endpoint takes: multipart with a file and its purpose."""

import re
from dataclasses import dataclass

from app.demo_teacher.protocol import RequestError

_BOUNDARY = re.compile(rb'boundary="?([^";,]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'name="([^"]*)"')
_FILE_NAME = re.compile(rb'filename="([^"]*)"')


@dataclass(frozen=True)
class Upload:
    """An uploaded file."""

    name: str
    purpose: str
    content: bytes


def read_upload(content_type: bytes, body: bytes) -> Upload:
    """The file in a multipart body; RequestError when it is not one."""
    found = _BOUNDARY.search(content_type)
    if found is None or not content_type.lower().startswith(b"multipart/form-data"):
        raise RequestError("Expected multipart/form-data with 'file' and 'purpose'.")
    name, content, purpose = "", None, ""
    for part in body.split(b"--" + found[1].strip())[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        value = value.removesuffix(b"\r\n")
        field = _NAME.search(head.replace(b"filename=", b"file_name="))
        if field is not None and field[1] == b"file":
            file_name = _FILE_NAME.search(head)
            name = file_name[1].decode("utf-8", "replace") if file_name else "upload"
            content = value
        elif field is not None and field[1] == b"purpose":
            purpose = value.decode("utf-8", "replace")
    if content is None:
        raise RequestError("'file' is a required property", param="file")
    return Upload(name, purpose, content)
