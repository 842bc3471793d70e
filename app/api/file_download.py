"""A file as a download: whole or one range of it (RFC 9110 §14), never more than one."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from app.api.conditional import matches
from app.api.errors import HttpRefusal
from app.errors import NotFound

_BLOCK_BYTES = 256 * 1024
_ONE_RANGE = re.compile(r"(\d{0,18})-(\d{0,18})")


def file_response(
    request: Request, path: Path, *, name: str, media_type: str, etag: str
) -> Response:
    """The file as an attachment; raises NotFound, or HttpRefusal (416) for a range it has not."""
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise NotFound("The file is gone; ask for a new export of the job.") from error
    try:
        size = os.fstat(file.fileno()).st_size
        return _answer(request, file, size, _headers(name, etag), media_type, etag)
    except BaseException:
        file.close()
        raise


def _headers(name: str, etag: str) -> dict[str, str]:
    return {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{name}"',
    }


def _answer(
    request: Request, file: BinaryIO, size: int, headers: dict[str, str], kind: str, etag: str
) -> Response:
    if matches(request.headers.get("if-none-match"), etag):
        file.close()
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range")
    if wanted is None or not _range_applies(request, etag) or not wanted.startswith("bytes="):
        status, first, count = 200, 0, size
    else:
        first, last = _one_range(wanted.removeprefix("bytes="), size)
        status, count = 206, last - first + 1
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    headers["Content-Length"] = str(count)
    if request.method == "HEAD":
        file.close()
        return Response(status_code=status, headers=headers, media_type=kind)
    return StreamingResponse(_blocks(file, first, count), status, headers, kind)


def _range_applies(request: Request, etag: str) -> bool:
    """Whether a Range holds: If-Range, where given, must name exactly this file."""
    return request.headers.get("if-range", etag) == etag


def _one_range(given: str, size: int) -> tuple[int, int]:
    """First and last byte; raises HttpRefusal for several ranges, and for none of this file."""
    found = _ONE_RANGE.fullmatch(given.strip())
    if found is None or not (found[1] or found[2]):
        raise _refused("Ask for one range, such as bytes=0-1023.", size)
    if found[1]:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
    else:
        first, last = max(0, size - int(found[2])), size - 1
    if first > last:
        raise _refused(f"The file has {size:,} bytes; the range holds none of them.", size)
    return first, last


def _refused(detail: str, size: int) -> HttpRefusal:
    return HttpRefusal(416, detail, headers={"Content-Range": f"bytes */{size}"})


def _blocks(file: BinaryIO, first: int, count: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        left = count
        while left > 0 and (block := file.read(min(_BLOCK_BYTES, left))):
            left -= len(block)
            yield block
