"""Real worker and web processes on given servers, started, killed and stopped at will."""

import os
import signal
import ssl
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from app.embedded import programs
from app.embedded.ports import free_port
from app.embedded.process import spawn
from app.embedded.programs import Program
from tests.entry import WITH_TOKEN, give_token

START_S = 60.0
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # there is no TLS, and the usual one is dear
QUICK = {"CULTIVAR_LEASE_S": "3", "CULTIVAR_HEARTBEAT_S": "0.5", "CULTIVAR_SWEEP_S": "1"}


class Fleet:
    """The processes of one service; a context manager that leaves none behind."""

    def __init__(self, database_url: str, redis_url: str, home: Path) -> None:
        self.home = home
        self.environment = {
            **QUICK,
            "CULTIVAR_DATABASE_URL": database_url,
            "CULTIVAR_REDIS_URL": redis_url,
            "CULTIVAR_HOME": str(home),
        }
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._programs: dict[str, Program] = {}
        give_token(home)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, program: Program, **environment: str) -> None:
        """Start a program under its name; its output goes to HOME/<name>.log."""
        self._programs[program.name] = program
        self.processes[program.name] = spawn(
            program.arguments,
            log=self.home / f"{program.name}.log",
            death_signal=signal.SIGKILL,
            environment={**self.environment, **environment},
        )

    def start_workers(self) -> None:
        """One worker that generates and one that does all else."""
        self.start(programs.worker("generate", ["generate"]))
        self.start(programs.worker("other", ["admit", "export"]))

    def start_api(self) -> None:
        """The web process; returns when it is ready."""
        self.start(programs.api(self.port))
        self.wait_for_api()

    def wait_for_api(self) -> None:
        """Return when the web process answers."""
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s:
            try:
                found = httpx.get(f"{self.api_url}/healthz", timeout=5, verify=PLAIN)
                if found.status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(self.log("api"))

    def kill(self, name: str) -> None:
        """Kill a process and all its children the hard way."""
        process = self.processes[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def restart(self, name: str) -> None:
        """Start a killed program again."""
        self.start(self._programs[name])

    def log(self, name: str) -> str:
        """What a process has written."""
        return (self.home / f"{name}.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Client:
    """A user's view of the service: REST and nothing else."""

    def __init__(self, api_url: str) -> None:
        self._http = httpx.Client(base_url=api_url, timeout=30, headers=WITH_TOKEN)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def call(self, method: str, path: str, **request: Any) -> Any:
        """The answer's JSON; fails on any status of 400 or more."""
        answer = self.ask(method, path, **request)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer, whatever it is; raises TransportError when there is none."""
        return self._http.request(method, path, **request)

    def download(self, path: str) -> bytes:
        """The bytes of a download."""
        answer = self._http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.content

    def add_seeds(self, path: Path, **metadata: str) -> str:
        """Upload a seed file; returns its id."""
        added = self.call(
            "POST",
            "/v1/seed-sets",
            params={"name": path.stem, "language": "en", "licence": "test", **metadata},
            content=path.read_bytes(),
            headers={"Content-Type": "application/x-ndjson"},
        )
        return str(added["id"] if "id" in added else added["seed_set"]["id"])

    def add_teacher(self, **details: Any) -> str:
        """Register a teacher; returns its id."""
        prices = {"input_micro_usd_per_million": 150_000, "output_micro_usd_per_million": 600_000}
        body = {"name": "teacher", "model": "demo", "simulated": True, **prices, **details}
        return str(self.call("POST", "/v1/teachers", json=body)["id"])

    def wait_for_job(self, job_id: str, *, timeout_s: float = 120.0) -> Mapping[str, Any]:
        """Poll a job until it stands still; at every poll the calls add up."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            job = self.call("GET", f"/v1/jobs/{job_id}")
            calls = job["calls"]
            parts = calls["accepted"] + calls["rejected"] + calls["failed"] + calls["pending"]
            assert parts == calls["issued"], calls
            if job["state"] in {"succeeded", "failed", "cancelled", "paused"}:
                return job
            assert time.monotonic() < deadline_s, job
            time.sleep(0.2)

    def export(self, job_id: str, format_name: str) -> tuple[Mapping[str, Any], bytes]:
        """Ask for an export, wait until it is ready, and download it."""
        made = self.call("POST", "/v1/exports", json={"job_id": job_id, "format": format_name})
        deadline_s = time.monotonic() + 30
        while made["state"] in {"queued", "running"}:
            assert time.monotonic() < deadline_s, made
            time.sleep(0.1)
            made = self.call("GET", f"/v1/exports/{made['id']}")
        assert made["state"] == "ready", made
        return made, self.download(f"/v1/exports/{made['id']}/download")
