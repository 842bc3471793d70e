"""Uploads to an S3-compatible store, by boto3 (the extra `s3`), which finds its keys by itself."""

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import InvalidInput, Problem, StoreFailure
from app.files.pushed_file import PushedFile

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_MOST_PREFIX = 500


@dataclass(frozen=True, slots=True)
class S3Target:
    """A bucket that exists, and what the keys of the files begin with."""

    bucket: str
    prefix: str = ""

    def check(self) -> None:
        """Raises InvalidInput for what names no bucket, or no part of a key."""
        problems: list[Problem] = []
        if not _BUCKET.fullmatch(self.bucket):
            problems.append(Problem("/bucket", "wrong_type", "must be the name of a bucket"))
        if len(self.prefix) > _MOST_PREFIX or not self.prefix.isprintable():
            detail = f"at most {_MOST_PREFIX} printable characters"
            problems.append(Problem("/prefix", "too_long", detail))
        if problems:
            raise InvalidInput("The export cannot be pushed there.", problems=problems)

    def key(self, path: str) -> str:
        """Where a file lies."""
        return f"{self.prefix.strip('/')}/{path}" if self.prefix.strip("/") else path


def push_to_s3(target: S3Target, files: Sequence[PushedFile], endpoint: str | None) -> str:
    """Upload the files, the manifest last; returns their address. Raises StoreFailure.

    Keys and region come from where boto3 looks for them: `AWS_ACCESS_KEY_ID` and its like, or the
    shared files.
    """
    boto3, errors = _libraries()
    try:
        client = boto3.client("s3", endpoint_url=endpoint)
        for each in files:
            _upload(client, target, each)
    except (errors.BotoCoreError, errors.ClientError, boto3.exceptions.Boto3Error) as error:
        raise StoreFailure(f"The store did not take the export: {_said(error)}") from None
    return f"s3://{target.bucket}/{target.prefix.strip('/')}".rstrip("/")


def _upload(client: Any, target: S3Target, file: PushedFile) -> None:
    """In parts where it is large; the digest is kept as metadata."""
    told = {"Metadata": {"sha256": file.sha256}}
    with file.opened() as content:
        client.upload_fileobj(content, target.bucket, target.key(file.path), ExtraArgs=told)


def _libraries() -> tuple[Any, Any]:
    try:
        return importlib.import_module("boto3"), importlib.import_module("botocore.exceptions")
    except ModuleNotFoundError:
        problem = Problem("", "not_installed", "needs boto3: pip install 'cultivar[s3]'")
        raise InvalidInput("S3 is not installed here.", problems=[problem]) from None


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
