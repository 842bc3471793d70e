"""Every place where a secret could turn up that a service was given: each as bytes, by its name."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import redis
from psycopg import sql

from tests.entry import WITH_TOKEN
from tests.servers import plain

PAGES = (
    *("/v1/teachers", "/v1/jobs", "/v1/exports", "/metrics", "/openapi.json", "/"),
    *("/dashboard/teachers", "/dashboard/exports"),
)
OF_JOBS = ("", "/calls", "/candidates", "/events", "/rows", "/report")


def pages(api_url: str, job_id: str, teacher_id: str) -> Mapping[str, bytes]:
    """What the service shows of a job and its teacher, as JSON and as HTML."""
    addresses = [
        *PAGES,
        *(f"/v1/jobs/{job_id}{part}" for part in OF_JOBS),
        *(f"/dashboard/jobs/{job_id}{part}" for part in ("", "/rows")),
        *(f"/dashboard/teachers/{teacher_id}{part}" for part in ("", "/change")),
    ]
    with httpx.Client(
        base_url=api_url, timeout=30, follow_redirects=True, headers=WITH_TOKEN
    ) as client:
        answers = {address: client.get(address) for address in addresses}
    assert sum(answer.status_code == 200 for answer in answers.values()) >= len(answers) - 2
    return {address: answer.content for address, answer in answers.items()}


def tables(database_url: str) -> Mapping[str, bytes]:
    """Every table of the database as `pg_dump` would write it."""
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    with psycopg.connect(plain(database_url)) as connection:
        names = [str(row[0]) for row in connection.execute(query)]
        return {name: b"".join(_copied(connection, name)) for name in names}


def _copied(connection: psycopg.Connection, name: str) -> Iterator[bytes]:
    statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))
    with connection.cursor().copy(statement) as copy:
        for piece in copy:
            yield bytes(piece)


def environments(pids: Sequence[int]) -> Mapping[str, bytes]:
    """What processes were given as their environment and arguments; Linux only."""
    return {
        f"{pid} {part}": Path(f"/proc/{pid}/{part}").read_bytes()
        for pid in pids
        for part in ("environ", "cmdline")
        if Path(f"/proc/{pid}/{part}").exists()
    }


@contextmanager
def watched(redis_url: str) -> Iterator[list[bytes]]:
    """Every command that Redis is sent: arguments of tasks, and all that is ever stored there."""
    said: list[bytes] = []
    client = redis.Redis.from_url(redis_url, socket_timeout=None)
    connection = client.connection_pool.get_connection()
    connection.send_command("MONITOR")
    connection.read_response()

    def listen() -> None:
        try:
            while True:
                said.append(bytes(connection.read_response(disable_decoding=True)))
        except (redis.ConnectionError, OSError, ValueError, AttributeError, TypeError):
            return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield said
    finally:
        connection.disconnect()
        client.close()
        thread.join(5)
