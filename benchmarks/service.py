"""What the whole service bears: many pollers, one request a thousand times, a million lines.

Run: python -m benchmarks.service [--only pollers,once,upload,export] [--clients 10000]
     [--seconds 60] [--equal 1000] [--seeds 1000000] [--rows 1000000]
Starts the embedded service (Postgres with fsync, Valkey, API, workers, demo teacher) in a temporary
directory and talks to it over HTTP. Memory is the growth of the web process's resident set, sampled
every 20 ms. The export runs as `benchmarks.export` does. Prints a table and, last, one line of
JSON.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import psycopg

from app.embedded.postgres import Postgres
from app.embedded.service import EmbeddedService
from app.use_cases.local_token import local_token
from benchmarks import export
from benchmarks.process_tree import descendants
from benchmarks.service_pollers import TOKEN_VARIABLE, WARM_UP_S

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "seeds" / "general_en.jsonl"
PARTS = ("pollers", "once", "upload", "export")
GOAL_S, GOAL_MIB, GOAL_P99_S, GOAL_SHARE = 60.0, 32.0, 1.0, 0.9
SETTLE_S = 5.0


@dataclass(frozen=True)
class Line:
    """One figure: what it is, what came out, its goal, and whether that is met."""

    name: str
    value: float
    unit: str
    goal: str
    met: bool


class Service:
    """The running service, and what a client needs of it."""

    def __init__(self, running: EmbeddedService) -> None:
        self.url = running.api_url
        self.database = running.postgres_url.replace("+psycopg", "")
        self.token = local_token(running.home)
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.http = httpx.Client(base_url=self.url, timeout=600, headers=self.headers)
        self._teacher_url = running.demo_teacher_url

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with psycopg.connect(self.database) as connection:
            found = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608
        return int(str(found[0])) if found else 0

    def web_process(self) -> int:
        """The process number of the API."""
        for pid in descendants(os.getpid()):
            if b"uvicorn" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        raise SystemExit("the API does not run")

    def job(self, target_rows: int) -> dict[str, Any]:
        """The body of a job of our seeds and the demo teacher."""
        seeds = self.http.post(
            "/v1/seed-sets?name=own&licence=CC0-1.0",
            content=SEEDS.read_bytes(),
            headers={"Content-Type": "application/x-ndjson"},
        )
        prices = {"input_micro_usd_per_million": 0, "output_micro_usd_per_million": 0}
        described = {"name": f"demo {time.time()}", "base_url": self._teacher_url, "model": "demo"}
        teacher = self.http.post("/v1/teachers", json={**described, **prices, "simulated": True})
        for answer in (seeds, teacher):
            if answer.status_code not in (200, 201):
                raise SystemExit(f"{answer.request.url}: {answer.text}")
        ids = {"seed_set_id": seeds.json()["id"], "teacher_id": teacher.json()["id"]}
        return {**ids, "target_rows": target_rows}

    def submitted(self, target_rows: int) -> str:
        """The id of a new job."""
        answer = self.http.post("/v1/jobs", json=self.job(target_rows))
        if answer.status_code != 201:
            raise SystemExit(f"the job is refused: {answer.text}")
        return str(answer.json()["id"])


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def polled(service: Service, job: str, clients: int, seconds: float) -> "subprocess.Popen[str]":
    """Start the clients."""
    words = [f"{service.url}/v1/jobs/{job}", "--clients", str(clients), "--seconds", str(seconds)]
    command = [sys.executable, "-m", "benchmarks.service_pollers", *words]
    environment = {**os.environ, TOKEN_VARIABLE: service.token}
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)


def told(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What they say in the end."""
    output, _ = process.communicate()
    if process.returncode != 0:
        raise SystemExit("the pollers failed")
    return json.loads(output.splitlines()[-1])


def pollers(service: Service, clients: int, seconds: float) -> Iterator[Line]:
    """A job at rest and a job at work, and what the polls cost the latter."""
    resting = service.submitted(30)
    while service.http.get(f"/v1/jobs/{resting}").json()["state"] != "succeeded":
        time.sleep(0.5)
    before_s = cpu_s(service.web_process())
    idle = told(polled(service, resting, clients, seconds))
    web_s = cpu_s(service.web_process()) - before_s
    yield _p99("idle", clients, idle, GOAL_P99_S)
    yield Line("  a poll costs the web process", 1000 * web_s / idle["asked"], "ms", "", True)
    yield Line("  and its client", 1000 * idle["cpu_s"] / idle["asked"], "ms", "", True)
    yield Line("  the longest wait named", max(idle["waits_s"], default=0), "s", "", True)
    working = service.submitted(1_000_000)
    time.sleep(SETTLE_S)
    alone = calls_a_second(service, seconds)
    process = polled(service, working, clients, seconds)
    time.sleep(WARM_UP_S)
    together = calls_a_second(service, seconds)
    busy = told(process)
    service.http.post(f"/v1/jobs/{working}/cancel")
    yield _p99("a job at work", clients, busy, 2 * GOAL_P99_S)
    errors = idle["errors"] + busy["errors"]
    yield Line("polls that failed", errors, "", "0", errors == 0)
    yield Line("polls a second", busy["polls_a_second"], "/s", "", True)
    share = together / alone if alone else 0.0
    yield Line("calls a second alone", alone, "/s", "", True)
    goal = f">= {GOAL_SHARE}"
    yield Line("share of them under polls", share, "", goal, share >= GOAL_SHARE)


def _p99(what: str, clients: int, found: dict[str, Any], goal_s: float) -> Line:
    name = f"p99 of {clients:,} pollers, {what}"
    return Line(name, found["p99_s"], "s", f"<= {goal_s:g} s", found["p99_s"] <= goal_s)


def calls_a_second(service: Service, seconds: float) -> float:
    """Replies that are stored while so many seconds pass."""
    before, began_s = service.count("completions"), time.perf_counter()
    time.sleep(seconds)
    return (service.count("completions") - before) / (time.perf_counter() - began_s)


def once(service: Service, equal: int) -> Iterator[Line]:
    """So many equal requests at the same time, under one key."""
    body, before = service.job(10), service.count("jobs")
    began_s = time.perf_counter()
    answers = asyncio.run(_post_all(service, body, equal))
    seconds = time.perf_counter() - began_s
    made = service.count("jobs") - before
    yield Line(f"jobs of {equal:,} equal requests at once", made, "", "1", made == 1)
    ids = {each for status, each in answers if status == 201}
    odd = sum(status not in (201, 409) for status, _ in answers)
    yield Line("answers other than that job or 409", odd, "", "0", odd == 0 and len(ids) == 1)
    yield Line("all answered after", seconds, "s", "", True)


async def _post_all(service: Service, body: dict[str, Any], times: int) -> list[tuple[int, str]]:
    async def post(session: aiohttp.ClientSession) -> tuple[int, str]:
        headers = {"Idempotency-Key": "one-of-many", **service.headers}
        url = f"{service.url}/v1/jobs"
        async with session.post(url, json=body, headers=headers) as answer:
            return answer.status, (await answer.json()).get("id", "")

    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        return await asyncio.gather(*(post(session) for _ in range(times)))


def seed_file(path: Path, lines: int, bad_line: int = 0) -> None:
    """Made-up seeds of the lengths of Alpaca's; `bad_line`, from 1, is no JSON."""
    with path.open("wb") as file:
        for number, (instruction, given, output) in enumerate(export.texts(lines), 1):
            instances = [{"input": given, "output": output}]
            row = {"instruction": instruction, "instances": instances}
            file.write(b'{"instruction":\n' if number == bad_line else _encoded(row))


def _encoded(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"


def upload(service: Service, directory: Path, lines: int) -> Iterator[Line]:
    """A file of so many seeds, and the same with one bad line near its end."""
    path, bad_line = directory / "seeds.jsonl", lines - lines // 10
    goal_s = max(5.0, GOAL_S * lines / 1_000_000)
    seed_file(path, 1000)
    _sent(service, path)  # loads what is loaded once
    seed_file(path, lines)
    size = path.stat().st_size / 1e6
    answer, seconds, grown = _sent(service, path)
    stored = answer.json().get("row_count", 0)
    yield Line(f"upload of {lines:,} seeds, {size:.0f} MB", seconds, "s", f"<= {goal_s:g} s",
               seconds <= goal_s and stored == lines)  # fmt: skip
    yield Line("  the web process grew by", grown, "MiB", f"<= {GOAL_MIB:g} MiB", grown <= GOAL_MIB)
    before = service.count("seeds"), service.count("seed_sets")
    seed_file(path, lines, bad_line)
    answer, seconds, grown = _sent(service, path)
    named = [each["line"] for each in answer.json().get("errors", [])]
    kept = (service.count("seeds"), service.count("seed_sets")) == before
    right = answer.status_code == 422 and named == [bad_line] and kept
    yield Line(f"  with line {bad_line:,} bad: named, nothing stored", seconds, "s", "", right)
    yield Line("  and it grew by", grown, "MiB", f"<= {GOAL_MIB:g} MiB", grown <= GOAL_MIB)
    path.unlink()


def _sent(service: Service, path: Path) -> tuple[httpx.Response, float, float]:
    pid = service.web_process()
    before_mib, began_s = export.resident_mib(pid), time.perf_counter()
    with export.Watch(pid) as watch, path.open("rb") as file:
        answer = service.http.post(
            "/v1/seed-sets?name=many&licence=CC0-1.0",
            content=iter(lambda: file.read(1 << 18), b""),
            headers={"Content-Type": "application/x-ndjson"},
        )
    seconds = time.perf_counter() - began_s
    return answer, seconds, max(0.0, watch.most_mib - before_mib)


def exports(directory: Path, rows: int) -> Iterator[Line]:
    """An export of so many rows, twice."""
    postgres = Postgres(directory / "postgres", ephemeral=True)
    postgres.start()
    try:
        home = directory / "home"
        first, second = export.measured(postgres.url, home, rows, "alpaca_jsonl", ())
    finally:
        postgres.stop()
    goal_s = max(5.0, GOAL_S * rows / export.GOAL_ROWS)
    seconds, grown = min(first.seconds, second.seconds), max(first.grown_mib, second.grown_mib)
    name = f"export of {rows:,} rows, {first.bytes / 1e6:.0f} MB"
    yield Line(name, seconds, "s", f"<= {goal_s:g} s", seconds <= goal_s)
    yield Line("  of the worker's CPU", min(first.cpu_s, second.cpu_s), "s", "", True)
    yield Line("  the worker grew by", grown, "MiB", f"<= {GOAL_MIB:g} MiB", grown <= GOAL_MIB)
    equal = first.sha256 == second.sha256
    yield Line("  the same bytes twice", equal, "", "1", equal)


def lines(given: argparse.Namespace, wanted: set[str], directory: Path) -> Iterator[Line]:
    """Every figure that is asked for."""
    if wanted - {"export"}:
        os.environ["CULTIVAR_MAX_UPLOAD_MIB"] = "4096"
        arguments = ("--latency-s", "0.3")
        with EmbeddedService(directory / "service", demo_teacher=arguments) as running:
            service = Service(running)
            if "pollers" in wanted:
                yield from pollers(service, given.clients, given.seconds)
            if "once" in wanted:
                yield from once(service, given.equal)
            if "upload" in wanted:
                yield from upload(service, directory, given.seeds)
    if "export" in wanted:
        yield from exports(directory / "export", given.rows)


def main() -> None:
    """Print a table and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--equal", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    wanted = set(given.only.split(","))
    if wanted - set(PARTS):
        parser.error(f"--only takes {', '.join(PARTS)}")
    found: list[Line] = []
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)  # root's Postgres runs under another account
        for line in lines(given, wanted, Path(directory)):
            found.append(line)
            mark = "" if line.met else "  MISSED"
            print(f"{line.name:<52}{line.value:>12,.3f} {line.unit:<4}{line.goal:>12}{mark}")
            sys.stdout.flush()
    figures = {line.name.strip(): line.value for line in found}
    print(json.dumps({"figures": figures, "within_goals": all(line.met for line in found)}))


if __name__ == "__main__":
    main()
