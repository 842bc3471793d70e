"""A hub in this process: what the Hugging Face Hub does when a commit is uploaded, checked hard."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hf_secretsecretsecret"


@dataclass
class FakeHub:
    """Repositories with their files, large objects by digest, and every request as it came.

    Files of `large` bytes are wanted by LFS, those of `parted` in parts of `part` bytes.
    """

    large: int = 1000
    parted: int = 1 << 40
    part: int = 700
    url: str = ""
    repos: dict[str, bool] = field(default_factory=dict[str, bool])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict[str, dict[int, bytes]])
    requests: list[tuple[str, str, Mapping[str, str]]] = field(
        default_factory=list[tuple[str, str, Mapping[str, str]]]
    )
    summaries: list[str] = field(default_factory=list[str])

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], object]:
        """Status, headers and JSON."""
        self.requests.append((method, path, headers))
        if path.startswith("/storage/"):
            return self._stored(path, headers, body)
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {}, {"error": "Invalid username or password."}
        match path.strip("/").split("/"):
            case ["api", "repos", "create"]:
                return self._created(json.loads(body))
            case ["api", "datasets", owner, name, "preupload", "main"]:
                return self._modes(f"{owner}/{name}", json.loads(body))
            case ["datasets", _, _, "info", "lfs", "objects", "batch"]:
                return 200, {}, {"objects": list(map(self._action, json.loads(body)["objects"]))}
            case ["api", "datasets", owner, name, "commit", "main"]:
                return self._committed(f"{owner}/{name}", body)
            case ["lfs", "verify"]:
                told = json.loads(body)
                there = len(self.objects.get(told["oid"], b"")) == told["size"]
                return (200 if there else 404), {}, {}
            case _:
                return 404, {}, {"error": f"no {path}"}

    def _created(self, told: Mapping[str, Any]) -> tuple[int, Mapping[str, str], object]:
        repo = f"{told['organization']}/{told['name']}"
        assert told["type"] == "dataset"
        if repo in self.repos:
            return 409, {}, {"error": "You already created this dataset repo"}
        self.repos[repo] = told.get("private") is True or told.get("visibility") == "private"
        return 200, {}, {"url": f"{self.url}/datasets/{repo}", "id": repo, "name": repo}

    def _modes(self, repo: str, told: Mapping[str, Any]) -> tuple[int, Mapping[str, str], object]:
        if repo not in self.repos:
            return 404, {}, {"error": "Repository not found"}
        files = [
            {
                "path": each["path"],
                "uploadMode": "lfs" if each["size"] >= self.large else "regular",
                "shouldIgnore": False,
                "oid": None,
            }
            for each in told["files"]
            if len(base64.b64decode(each["sample"])) == min(512, each["size"])
        ]
        return 200, {}, {"files": files}

    def _action(self, asked: Mapping[str, Any]) -> Mapping[str, object]:
        digest, size = asked["oid"], asked["size"]
        if digest in self.objects:
            return {"oid": digest, "size": size}
        upload: dict[str, Any] = {"href": f"{self.url}/storage/{digest}?signature=secret"}
        if size >= self.parted:
            count = -(-size // self.part)
            addresses = {
                str(n): f"{self.url}/storage/{digest}/{n}?signature=secret"
                for n in range(1, count + 1)
            }
            header = {"chunk_size": str(self.part), **addresses}
            upload = {
                "href": f"{self.url}/storage/whole/{digest}?signature=secret",
                "header": header,
            }
        actions = {"upload": upload, "verify": {"href": f"{self.url}/lfs/verify", "header": {}}}
        return {"oid": digest, "size": size, "actions": actions}

    def _stored(
        self, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], object]:
        """Storage has its own permission in the address; a token has no business there."""
        if "authorization" in headers or not path.endswith("?signature=secret"):
            return 403, {}, {"error": "not the token"}
        digest, _, number = path.removeprefix("/storage/").partition("?")[0].partition("/")
        if digest == "whole":
            return self._whole(number, json.loads(body))
        if number:
            self.parts.setdefault(digest, {})[int(number)] = body
            return 200, {"ETag": hashlib.md5(body, usedforsecurity=False).hexdigest()}, {}
        return self._kept(digest, body)

    def _kept(self, digest: str, body: bytes) -> tuple[int, Mapping[str, str], object]:
        if hashlib.sha256(body).hexdigest() != digest:
            return 400, {}, {"error": "another digest"}
        self.objects[digest] = body
        return 200, {"ETag": digest}, {}

    def _whole(self, digest: str, told: Mapping[str, Any]) -> tuple[int, Mapping[str, str], object]:
        parts = self.parts[digest]
        tags = {
            n: hashlib.md5(each, usedforsecurity=False).hexdigest() for n, each in parts.items()
        }
        if {each["partNumber"]: each["etag"] for each in told["parts"]} != tags:
            return 400, {}, {"error": "other parts"}
        return self._kept(digest, b"".join(parts[n] for n in sorted(parts)))

    def _committed(self, repo: str, body: bytes) -> tuple[int, Mapping[str, str], object]:
        head, *lines = [json.loads(each) for each in body.splitlines()]
        assert head["key"] == "header"
        for each in lines:
            value = each["value"]
            if each["key"] == "lfsFile":
                if value["oid"] not in self.objects:
                    return 400, {}, {"error": f"no object {value['oid']}"}
                self.files[value["path"]] = self.objects[value["oid"]]
            else:
                assert (each["key"], value["encoding"]) == ("file", "base64")
                self.files[value["path"]] = base64.b64decode(value["content"])
        self.summaries.append(head["value"]["summary"])
        told = {"commitUrl": f"{self.url}/datasets/{repo}/commit/1", "commitOid": "1"}
        return 200, {}, {"success": True, "hookOutput": "", **told}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "chunked" in headers.get("transfer-encoding", ""):
            body = self._chunks()
        else:
            body = self.rfile.read(int(headers.get("content-length", 0)))
        status, told, value = self.hub.answer(self.command, self.path, headers, body)
        content = json.dumps(value).encode()
        self.send_response(status)
        for name, each in {**told, "Content-Length": str(len(content))}.items():
            self.send_header(name, each)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_GET = _serve

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def fake_hub(**settings: Any) -> Iterator[FakeHub]:
    """A hub on a port of its own."""
    hub = FakeHub(**settings)
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
