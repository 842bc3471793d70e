"""The ASGI application: the hot path of completions, and the small endpoints around it."""

import asyncio
import logging
import time
from typing import Any
from urllib.parse import parse_qsl

import orjson

from app.demo_teacher.batches import ENDPOINTS, BatchDesk
from app.demo_teacher.delivery import Receive, Send, deliver, respond
from app.demo_teacher.plans import JSON_HEADERS
from app.demo_teacher.protocol import RequestError, read_json
from app.demo_teacher.teacher import SCORE_PATH, Teacher
from app.demo_teacher.uploads import read_upload

HOT_PATHS = (*ENDPOINTS, SCORE_PATH)
OPEN_PATHS = ("/healthz", "/stats", "/reset")

logger = logging.getLogger(__name__)


class Application:
    """Plain ASGI over one teacher."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        self._desk = BatchDesk(teacher)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One HTTP request; what nobody foresaw is logged and answered with a plain 500."""
        try:
            if scope["method"] == "POST" and scope["path"] in HOT_PATHS:
                await self._complete(scope, receive, send)
            else:
                await self._other(scope, receive, send)
        except Exception:
            logger.exception("no reply to %s %s", scope["method"], scope["path"])
            error = RequestError("The demo teacher failed.", status=500, kind="server_error")
            await respond(send, error.status, error.body(), JSON_HEADERS)

    async def _complete(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        arrived = time.monotonic()
        body = await _read_body(receive)
        if body is None:
            return
        teacher = self._teacher
        arrival = teacher.arrive(scope["path"], dict(scope["headers"]))
        outcome = "client_gone"
        try:
            plan = teacher.decide(arrival, body)
            wait_s = plan.wait_s - (time.monotonic() - arrived)
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            outcome = await deliver(plan, teacher.settings, scope, receive, send)
        finally:
            teacher.replied(arrival, outcome)

    async def _other(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = await _read_body(receive)
        if body is None:
            return
        try:
            status, reply = 200, self._route(scope, body)
        except RequestError as error:
            status, reply = error.status, error.body()
        if isinstance(reply, bytes):
            await respond(send, status, reply, JSON_HEADERS)
        else:
            await respond(send, status, orjson.dumps(reply), JSON_HEADERS)

    def _route(self, scope: dict[str, Any], body: bytes) -> Any:
        """The JSON value (or the bytes) that answers a request outside the hot path."""
        method, path = scope["method"], scope["path"]
        headers = dict(scope["headers"])
        if path not in OPEN_PATHS:
            self._teacher.check_key(headers)
        match [method, *path.strip("/").split("/")]:
            case ["GET", "healthz"]:
                return {"status": "ok"}
            case ["GET", "stats"]:
                return self._teacher.statistics.as_json()
            case ["POST", "reset"]:
                self._teacher.reset()
                self._desk.reset()
                return {"status": "reset"}
            case ["GET", "v1", "models"]:
                return self._teacher.models()
            case ["GET", "v1", "models", *name]:
                return self._teacher.model("/".join(name))
            case [_, "v1", "files", *rest]:
                return self._files(method, rest, scope, body)
            case [_, "v1", "batches", *rest]:
                return self._batches(method, rest, scope, body)
            case _:
                raise _unknown(method, path)

    def _files(self, method: str, rest: list[str], scope: dict[str, Any], body: bytes) -> Any:
        desk, headers = self._desk, dict(scope["headers"])
        match [method, *rest]:
            case ["POST"]:
                upload = read_upload(headers.get(b"content-type", b""), body)
                return desk.add_file(upload).as_json()
            case ["GET"]:
                return desk.files(_query(scope))
            case ["GET", file_id]:
                return desk.file(file_id).as_json()
            case ["GET", file_id, "content"]:
                return desk.file(file_id).upload.content
            case ["DELETE", file_id]:
                return desk.delete_file(file_id)
            case _:
                raise _unknown(method, "/v1/files/" + "/".join(rest))

    def _batches(self, method: str, rest: list[str], scope: dict[str, Any], body: bytes) -> Any:
        desk, headers = self._desk, dict(scope["headers"])
        match [method, *rest]:
            case ["POST"]:
                return desk.create(read_json(body), headers).as_json()
            case ["GET"]:
                return desk.batches(_query(scope))
            case ["GET", batch_id]:
                return desk.batch(batch_id).as_json()
            case ["POST", batch_id, "cancel"]:
                return desk.cancel(batch_id).as_json()
            case _:
                raise _unknown(method, "/v1/batches/" + "/".join(rest))


def _query(scope: dict[str, Any]) -> dict[str, str]:
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))


def _unknown(method: str, path: str) -> RequestError:
    return RequestError(f"Invalid URL ({method} {path})", status=404)


async def _read_body(receive: Receive) -> bytes | None:
    """A request's body, or None when the client went away before its end."""
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
    return None if message["type"] == "http.disconnect" else body
