"""Seed files for tests, good and bad, and everything that a reader says about one."""

import gzip
import io
import json
import tarfile
import zipfile
from dataclasses import dataclass

from app.domain.records import Seed
from app.errors import CultivarError, UploadReport
from app.files.seed_upload import OnError, SeedReader, UploadLimits

GOOD = b'{"instruction": "Name a tree."}'


@dataclass(frozen=True)
class Outcome:
    """Everything that a reader says about a file."""

    seeds: tuple[Seed, ...]
    report: UploadReport
    digest: str
    failure: tuple[str, str, str] | None


def read(
    data: bytes,
    *,
    piece: int = 1 << 20,
    limits: UploadLimits | None = None,
    on_error: OnError = "reject",
    dedupe: bool = False,
) -> Outcome:
    reader = SeedReader(limits=limits, on_error=on_error, dedupe=dedupe)
    seeds: list[Seed] = []
    failure = None
    try:
        for start in range(0, len(data), piece):
            seeds += reader.feed(data[start : start + piece])
        seeds += reader.finish()
    except CultivarError as error:
        failure = (type(error).__name__, error.code, error.detail)
    return Outcome(tuple(seeds), reader.report, reader.digest, failure)


def row(**fields: object) -> bytes:
    return json.dumps({"instruction": "Name a tree.", **fields}).encode()


WHOLE_JSON = [
    json.dumps([{"instruction": "a"}, {"instruction": "b"}]).encode(),
    json.dumps([{"instruction": "a"}, {"instruction": "b"}], indent=2).encode(),
    json.dumps({"instruction": "a", "output": "b"}, indent=2).encode(),
    b'[{"instruction": "a"},\n{"instruction": "b"}]\n',
    b"\n\xef\xbb\xbf"[1:] + b'\r\n[{"instruction": "a"}]',
    json.dumps([{"instruction": "a" * 1000}] * 2000).encode(),
]


def archive(kind: str) -> bytes:
    held = io.BytesIO()
    if kind == "tar":
        with tarfile.open(fileobj=held, mode="w") as tar:
            member = tarfile.TarInfo("seeds.jsonl")
            member.size = len(GOOD)
            tar.addfile(member, io.BytesIO(GOOD))
    else:
        name = "xl/workbook.xml" if kind == "Excel" else "seeds.jsonl"
        with zipfile.ZipFile(held, "w") as zipped:
            zipped.writestr(name, GOOD)
    return held.getvalue()


BINARIES = [
    (gzip.compress(GOOD, mtime=0), "gzip"),
    (archive("zip"), "zip"),
    (archive("Excel"), "Excel"),
    (archive("tar"), "tar"),
    (b"PAR1\x15\x04", "Parquet"),
    (b"%PDF-1.7\n%", "PDF"),
    (b"\x89PNG\r\n\x1a\n\x00", "PNG"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
    (b"\x28\xb5\x2f\xfd\x04", "Zstandard"),
    (b"\xfd7zXZ\x00\x00", "xz"),
    (b"BZh91AY&SY", "bzip2"),
]
