"""Known advisories against what the lock files pin, for `run.py check` and `run.py test`.

Run: python -m tests.audit. Without a way to the advisory service the check is left out by name, for
a build must not depend on somebody else's server; with one, an advisory that nobody has judged
fails it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import run
from app.embedded.migrate import ROOT

# One run each: the trainer pins some packages at other versions than the service.
LOCKS = (
    ("requirements-dev.lock",),
    ("requirements-train.lock",),
    ("requirements-train-cuda.lock",),
)
PROBE_S, TIMEOUT_S = 20.0, 240.0
# Advisories that do not reach us, each with why; whoever adds one has read it.
JUDGED: Mapping[str, str] = {}


def audit() -> tuple[int, str]:
    """The status of the check and what to say of it."""
    reason = _out_of_reach()
    if reason:
        return 0, f"left out ({reason})"
    found: list[str] = []
    for names in LOCKS:
        output, reason = _asked([ROOT / name for name in names], TIMEOUT_S)
        if output is None:
            return 0, f"left out ({reason})"
        found += unjudged(output)
    if found:
        return 1, "\n".join(["advisories that nobody has judged:", *found])
    return 0, ""


def _out_of_reach() -> str:
    """Why the service cannot be asked, found out with one package; empty when it can."""
    pins = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    with tempfile.NamedTemporaryFile("w", suffix=".lock", encoding="utf-8") as one:
        one.write(run.pin_of("packaging", pins))
        one.flush()
        return _asked([Path(one.name)], PROBE_S)[1]


def _asked(paths: Sequence[Path], timeout_s: float) -> tuple[Mapping[str, Any] | None, str]:
    """What the service says of some lock files, or None and why it said nothing."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"]
    command += ["--format=json", "--progress-spinner=off", "--timeout=10"]
    command += [f"--requirement={path}" for path in paths]
    # Into files and in a session of its own: what it starts must not keep us waiting.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        asked = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        try:
            asked.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(asked.pid, signal.SIGKILL)
            asked.wait()
            return None, f"the advisory service gave no answer within {timeout_s:.0f} s"
        return read(*(_content(each) for each in (output, errors)))


def _content(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def read(output: str, errors: str) -> tuple[Mapping[str, Any] | None, str]:
    """The report of pip-audit; what is no report means that it could not ask."""
    try:
        report = json.loads(output)
    except ValueError:
        last = (errors.strip().splitlines() or ["it said nothing"])[-1]
        return None, f"the advisory service cannot be reached: {last[:160]}"
    return report, ""


def unjudged(report: Mapping[str, Any]) -> Iterator[str]:
    """A line for each advisory that is not among those judged."""
    for each in report["dependencies"]:
        for advisory in each.get("vulns", ()):
            names = {advisory["id"], *advisory.get("aliases", ())}
            if not names & JUDGED.keys():
                mended = ", ".join(advisory["fix_versions"]) or "no version yet"
                yield f"  {each['name']} {each['version']}: {advisory['id']}, mended in {mended}"


if __name__ == "__main__":
    status, told = audit()
    sys.stdout.write(f"{told or 'no advisory is known'}\n")
    sys.exit(status)
