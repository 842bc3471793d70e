"""How other tools drive a teacher: each in an environment of its own, against the same mock.

    python -m benchmarks.teacher_peers                              # every peer, every load
    python -m benchmarks.teacher_peers --peers curator --cases steady_100,poison --scale 0.5

prints a table in Markdown for every load and, last, one line of JSON.

For a table with another client beside them: `run_peer(name, case)` starts a `Mock` for the load,
runs the peer against it and returns its `Figures`; whoever measures that client does the same
(`with Mock(case) as mock`, `mock.base_url`, then `figures(name, case, mock.seen(), took, rows)`)
and prints `table(case, results)`. `case` is one of `teacher_cases.CASES`, or a `Case` of your own.

A peer that is not installed is installed by pip into a virtual environment under
$XDG_CACHE_HOME/cultivar/environments; one that cannot be is skipped by name with the reason. Its
home, its caches and its temporary files are in a folder that is gone afterwards. Processor time
and memory are those of the peer's whole process tree from its start, importing included.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.process_tree import Took, Tree
from benchmarks.teacher_cases import CASES, Case, Figures, Seen, table
from benchmarks.teacher_mock import Mock
from tests.other_environment import UnavailableError, python_with

SCRIPTS = Path(__file__).parent / "peers"
LOOK_S = 0.02
START_S = 60.0  # for imports and for writing the last rows down


@dataclass(frozen=True)
class Peer:
    """One other tool: its script, and what pip is asked for (nothing: our own environment)."""

    script: str
    packages: tuple[str, ...] = ()
    keeps: bool = False


DATATROVE = ("datatrove[io]==0.10.1", "aiofiles", "httpx", "aiosqlite", "transformers")
PEERS = {
    "aiohttp": Peer("bare_aiohttp.py"),
    "datatrove": Peer("with_datatrove.py", DATATROVE),
    "datatrove-checkpoints": Peer("with_datatrove.py", DATATROVE, keeps=True),
    "curator": Peer("with_curator.py", ("bespokelabs-curator==0.1.31",), keeps=True),
    "distilabel": Peer("with_distilabel.py", ("distilabel[openai]==1.5.3", "requests"), keeps=True),
}


def run_peer(name: str, case: Case) -> Figures:
    """Run one peer under one load, with a mock teacher of its own."""
    peer = PEERS[name]
    if case.killed_at is not None and not peer.keeps:
        return Figures(name, case.name, skipped="it keeps nothing to go on from")
    try:
        python = environment(peer)
    except UnavailableError as reason:
        return Figures(name, case.name, skipped=str(reason))
    with tempfile.TemporaryDirectory() as folder, Mock(case) as mock:
        took = _run(peer, python, case, mock, Path(folder))
        return figures(name, case, mock.seen(), took, _rows(took))


def figures(name: str, case: Case, seen: Seen, took: Took, rows: int | None) -> Figures:
    """What a run comes to; the share is of the ideal time for the prompts that were let in."""
    share = case.time_for(seen.prompts) / seen.window_s if seen.window_s else None
    fair = case.killed_at is None and seen.answered >= case.prompts / 2
    return Figures(
        client=name,
        case=case.name,
        ended=_ending(took),
        share_of_ideal=round(share, 3) if share and fair else None,
        cpu_s_per_1000=round(took.cpu_s * 1000 / seen.prompts, 2) if seen.prompts else None,
        peak_rss_mb=round(took.peak_mb),
        rows=rows,
        seen=seen,
    )


def environment(peer: Peer) -> Path:
    """The Python that has the peer, made where it is not there yet."""
    if not peer.packages:
        return Path(sys.executable)
    return python_with(Path(peer.script).stem.removeprefix("with_"), peer.packages)


def _run(peer: Peer, python: Path, case: Case, mock: Mock, folder: Path) -> Took:
    kept, work = folder / "kept", folder / "work.json"
    kept.mkdir()
    given = {
        "base_url": mock.base_url,
        "prompt_count": case.prompts,
        "in_flight": case.in_flight,
        "folder": str(kept),
        "keeps": peer.keeps,
        "defaults": case.defaults,
    }
    work.write_text(json.dumps(given))
    command = [str(python), str(SCRIPTS / peer.script), str(work)]
    if case.killed_at is None:
        return _started(command, folder).wait(_patience_s(case))
    first = _started(command, folder)
    _kill_at(first, mock, round(case.prompts * case.killed_at))
    before = first.wait()
    after = _started(command, folder).wait(_patience_s(case))
    return replace(after, cpu_s=before.cpu_s + after.cpu_s)


def _started(command: list[str], folder: Path) -> Tree:
    return Tree(command, environment=_surroundings(folder), directory=folder)


def _kill_at(tree: Tree, mock: Mock, answered: int) -> None:
    while tree.running and mock.seen().answered < answered:
        time.sleep(LOOK_S)
    tree.kill()


def _patience_s(case: Case) -> float:
    return START_S + 12 * case.ideal_s


def _surroundings(folder: Path) -> dict[str, str]:
    """Nothing of ours but the path: no proxy, no key, no cache, no home, no telemetry."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "NO_PROXY": "*",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TELEMETRY_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OPENAI_API_KEY": "none",
    }


def _ending(took: Took) -> str:
    if took.timed_out:
        return f"no end in {took.wall_s:.0f} s"
    if took.status == 0:
        return "ok"
    said = [line for line in took.errors.strip().splitlines() if line.strip()] or [""]
    return f"status {took.status}: {said[-1].strip()[:80]}"


def _rows(took: Took) -> int | None:
    for line in reversed(took.output.splitlines()):
        if line.startswith('{"rows"'):
            return json.loads(line)["rows"]
    return None


def main() -> None:
    """Print a table for each load and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--peers", default=",".join(PEERS), help="separated by commas")
    parser.add_argument("--cases", default=",".join(CASES), help="separated by commas")
    parser.add_argument("--scale", type=float, default=1.0, help="share of each load's prompts")
    parsed = parser.parse_args()
    every: list[Figures] = []
    for name in parsed.cases.split(","):
        case = CASES[name].scaled(parsed.scale)
        results = [run_peer(peer, case) for peer in parsed.peers.split(",")]
        print(table(case, results), flush=True)
        every += results
    print(json.dumps([asdict(each) for each in every]))


if __name__ == "__main__":
    main()
