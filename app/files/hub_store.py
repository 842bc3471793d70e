"""Uploads to a hub by its HTTP API: create the repository, ask how, send large files, commit.

The wire is that of the Hugging Face Hub (create, preupload, Git LFS batch with its transfers basic
and multipart, commit as NDJSON), which other hubs serve as well.
"""

import base64
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlsplit

import httpx
import orjson
from pydantic import SecretStr

from app.errors import InvalidInput, Problem, StoreFailure
from app.files.pushed_file import PushedFile

_SAMPLE_BYTES = 512
_AT_ONCE = 250
_TIMEOUT = httpx.Timeout(60.0, write=600.0, read=600.0)
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,199}", re.ASCII)
_LFS = {
    "Accept": "application/vnd.git-lfs+json",
    "Content-Type": "application/vnd.git-lfs+json",
}
_Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HubTarget:
    """A dataset repository `owner/name` and a branch of it; made, and made private, if missing."""

    repo: str
    private: bool = True
    revision: str = "main"

    def check(self) -> None:
        """Raises InvalidInput for what names no repository or branch."""
        problems: list[Problem] = []
        if not _REPOSITORY.fullmatch(self.repo):
            problems.append(Problem("/repo", "wrong_type", "must be owner/name"))
        if not _REVISION.fullmatch(self.revision) or ".." in self.revision:
            problems.append(Problem("/revision", "wrong_type", "must be the name of a branch"))
        if problems:
            raise InvalidInput("The export cannot be pushed there.", problems=problems)


class Hub:
    """A hub at an address, with a token that goes nowhere else; close it in the end."""

    def __init__(self, endpoint: str, token: SecretStr) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._token = token
        # Else a line for every request, with the permission that is in a large file's address.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._client = httpx.Client(timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> "Hub":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def push(self, target: HubTarget, files: Sequence[PushedFile], message: str) -> str:
        """Commit the files as one commit; returns its address. Raises StoreFailure."""
        self._create(target)
        large = self._large(target, files)
        for begin in range(0, len(large), _AT_ONCE):
            self._send_large(target, large[begin : begin + _AT_ONCE])
        return self._commit(target, files, {each.path for each in large}, message)

    def _create(self, target: HubTarget) -> None:
        owner, name = target.repo.split("/")
        visibility = "private" if target.private else "public"
        body = {
            "type": "dataset",
            "organization": owner,
            "name": name,
            "private": target.private,
            "visibility": visibility,
        }
        self._ask("create the repository", "/api/repos/create", body, also=(409,))

    def _large(self, target: HubTarget, files: Sequence[PushedFile]) -> Sequence[PushedFile]:
        """Those that the hub wants by LFS."""
        path = f"/api/datasets/{target.repo}/preupload/{quote(target.revision, safe='')}"
        modes: dict[str, str] = {}
        for begin in range(0, len(files), _AT_ONCE):
            asked = [_asked(each) for each in files[begin : begin + _AT_ONCE]]
            found = self._ask("ask how to upload", path, {"files": asked})
            modes |= {
                str(each.get("path")): str(each.get("uploadMode"))
                for each in _objects(found.get("files"))
            }
        return [each for each in files if each.size and modes.get(each.path) == "lfs"]

    def _send_large(self, target: HubTarget, files: Sequence[PushedFile]) -> None:
        by_digest = {each.sha256: each for each in files}
        body = {
            "operation": "upload",
            "transfers": ["basic", "multipart"],
            "hash_algo": "sha256",
            "ref": {"name": target.revision},
            "objects": [{"oid": each.sha256, "size": each.size} for each in by_digest.values()],
        }
        path = f"/datasets/{target.repo}.git/info/lfs/objects/batch"
        found = self._ask("ask where to send large files", path, body, headers=_LFS)
        answered = {str(each.get("oid")): each for each in _objects(found.get("objects"))}
        for digest, file in by_digest.items():
            if digest not in answered:
                raise StoreFailure(f"The hub does not say where to send {file.path}.")
            self._send(file, answered[digest])

    def _send(self, file: PushedFile, answer: _Members) -> None:
        if answer.get("error"):
            raise StoreFailure(f"The hub does not take {file.path}: {_said(answer['error'])}")
        actions = _members(answer.get("actions"))
        upload = _members(actions.get("upload"))
        if not upload:
            return  # the hub has it
        header = _members(upload.get("header"))
        if "chunk_size" in header:
            self._send_parts(file, str(upload.get("href")), header)
        else:
            told = {str(name): str(value) for name, value in header.items()}
            self._put(file, str(upload.get("href")), told, 0, file.size)
        verify = _members(actions.get("verify"))
        if verify:
            body = {"oid": file.sha256, "size": file.size}
            self._ask("have a file checked", str(verify.get("href")), body, headers=_LFS)

    def _send_parts(self, file: PushedFile, href: str, header: _Members) -> None:
        told = str(header["chunk_size"])
        size = int(told) if told.isascii() and told.isdigit() else 0
        addresses = [str(header[key]) for key in sorted(filter(str.isdigit, header), key=int)]
        if size < 1 or len(addresses) != -(-file.size // size):
            raise StoreFailure(f"The hub wants {file.path} in parts that do not make the whole.")
        parts: list[dict[str, object]] = []
        for number, address in enumerate(addresses):
            begin = number * size
            length = min(size, file.size - begin)
            etag = self._put(file, address, {}, begin, length)
            parts.append({"partNumber": number + 1, "etag": etag})
        body = {"oid": file.sha256, "parts": parts}
        content = {"content": orjson.dumps(body), "headers": _LFS}
        self._answer(f"put {file.path} together", ("POST", href, content))

    def _put(
        self, file: PushedFile, href: str, header: Mapping[str, str], begin: int, size: int
    ) -> str:
        """Send bytes to an address that the hub gave, which is its own permission."""
        headers = {**header, "Content-Length": str(size)}
        what = f"send {file.path}"
        request = ("PUT", href, {"content": file.chunks(begin, size), "headers": headers})
        return self._answer(what, request).headers.get("etag", "")

    def _commit(
        self, target: HubTarget, files: Sequence[PushedFile], large: set[str], message: str
    ) -> str:
        path = f"/api/datasets/{target.repo}/commit/{quote(target.revision, safe='')}"
        headers = {"Content-Type": "application/x-ndjson", **self._authorization(path)}
        content = {"content": _lines(files, large, message), "headers": headers}
        found = _read(self._answer("commit", ("POST", self._endpoint + path, content)))
        return str(found.get("commitUrl") or f"{self._endpoint}/datasets/{target.repo}")

    def _ask(
        self,
        what: str,
        path: str,
        body: object,
        *,
        headers: Mapping[str, str] | None = None,
        also: Sequence[int] = (),
    ) -> _Members:
        """POST JSON to a path of the hub, or to an address that it gave."""
        url = path if "://" in path else self._endpoint + path
        told = {"Content-Type": "application/json", **(headers or {}), **self._authorization(url)}
        request = ("POST", url, {"content": orjson.dumps(body), "headers": told})
        return _read(self._answer(what, request, also))

    def _authorization(self, url: str) -> Mapping[str, str]:
        """The token, where the address is the hub's own."""
        own, asked = urlsplit(self._endpoint), urlsplit(url)
        if asked.netloc and (asked.scheme, asked.netloc) != (own.scheme, own.netloc):
            return {}
        return {"Authorization": f"Bearer {self._token.get_secret_value()}"}

    def _answer(
        self, what: str, request: tuple[str, str, Mapping[str, Any]], also: Sequence[int] = ()
    ) -> httpx.Response:
        method, url, content = request
        try:
            response = self._client.request(method, url, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told = f"{type(error).__name__}"
            raise StoreFailure(f"The hub could not be reached to {what}: {told}.") from None
        if response.is_success or response.status_code in also:
            return response
        raise StoreFailure(
            f"The hub refused to {what}: {response.status_code} {_said(_read(response))}"
        )


def _asked(file: PushedFile) -> Mapping[str, object]:
    sample = base64.b64encode(file.read(size=_SAMPLE_BYTES)).decode()
    return {"path": file.path, "size": file.size, "sample": sample}


def _lines(files: Sequence[PushedFile], large: set[str], message: str) -> Iterator[bytes]:
    """The commit: its message, then every file, large ones by their digest."""
    yield _line("header", {"summary": message, "description": ""})
    for each in files:
        if each.path in large:
            told = {"path": each.path, "algo": "sha256", "oid": each.sha256, "size": each.size}
            yield _line("lfsFile", told)
        else:
            content = base64.b64encode(each.read()).decode()
            yield _line("file", {"path": each.path, "content": content, "encoding": "base64"})


def _line(key: str, value: object) -> bytes:
    return orjson.dumps({"key": key, "value": value}, option=orjson.OPT_APPEND_NEWLINE)


def _read(response: httpx.Response) -> _Members:
    try:
        return _members(orjson.loads(response.content))
    except orjson.JSONDecodeError:
        return {}


def _said(found: object) -> str:
    """What a hub says is wrong, as far as it says it in a line."""
    members = _members(found)
    words = members.get("error") or members.get("message") or ""
    return " ".join(str(words).split())[:300] or "without a word"


def _members(value: object) -> _Members:
    return cast("_Members", value) if isinstance(value, dict) else {}


def _objects(value: object) -> Sequence[_Members]:
    return (
        [_members(each) for each in cast("list[object]", value)] if isinstance(value, list) else []
    )
