"""What the novelty check costs: a real stream, growth to large pools, the reference and peers.

Run: python -m benchmarks.novelty [--rows 1000000] [--with-peers] [--plot docs/novelty.svg]
Prints tables and last one line of JSON. Times are CPU seconds of the one process, because elapsed
ones would count whatever else the machine does. Data: a JSONL file with an `instruction` field,
by default the 52K rows of Stanford Alpaca beside the repository.
"""

import argparse
import gzip
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from rouge_score import rouge_scorer

from app.domain.novelty import NoveltyIndex
from app.domain.tokens import Tokens, rouge_tokens
from benchmarks.novelty_plot import Series, drawn

ROOT = Path(__file__).parents[1]
ALPACA = ROOT.parent / "shared/data/alpaca/alpaca_52k.jsonl.gz"
LAST = 5_000  # candidates that a mean is taken over
SIZES = (13_000, 26_000, 52_000, 104_000, 208_000, 416_000)
PEERS = ("datasketch", "rensa")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Stream:
    """Each row checked against all earlier accepted ones, then added."""

    tokens: str
    rows: int
    dropped: int
    stream_s: float
    last_ms: float
    filter_stream_s: float


@dataclass(frozen=True)
class Size:
    """The cost at one pool size."""

    rows: int
    candidate_ms: float
    scan_ms: float
    bulk_s: float
    resident_bytes_per_row: float
    counted_bytes_per_row: float


@dataclass(frozen=True)
class Reference:
    """The published filter: rouge-score's LCS against every row's cached tokens."""

    rows: int
    candidates: int
    candidate_ms: float
    same_scores: bool


def read(path: Path) -> list[str]:
    """Return the instructions of a JSONL file, gzipped or not."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return [json.loads(line)["instruction"] for line in content.splitlines()]


def recombined(texts: list[str]) -> Iterator[str]:
    """Yield first half of one text's tokens + second half of another's, without end, seed 0."""
    rng = random.Random(0)
    cut = [rouge_tokens(text) for text in texts]
    while True:
        first, second = rng.choice(cut), rng.choice(cut)
        yield " ".join(first[: len(first) // 2] + second[len(second) // 2 :])


def compile_all() -> None:
    """Load or compile every loop, so that no measurement holds it."""
    index = NoveltyIndex()
    index.extend(["a b c", "d e f"] * 200)
    list(index.filter_stream(["g h", "a b c"]))
    index.add("i j")
    index.nearest("k l")
    index.scores("a")


def stream(path: Path, tokens: Tokens) -> Stream:
    """Check and add one by one, then the same with `filter_stream`."""
    texts = read(path)
    compile_all()
    index = NoveltyIndex(tokens=tokens)
    dropped, last_from, last_at = 0, len(texts) - LAST, 0.0
    started = time.process_time()
    for position, text in enumerate(texts):
        if position == last_from:
            last_at = time.process_time()
        if index.duplicate_of(text) is None:
            index.add(text)
        else:
            dropped += 1
    ended = time.process_time()
    in_blocks = NoveltyIndex(tokens=tokens)
    list(in_blocks.filter_stream(texts))
    blocks_s = time.process_time() - ended
    last_ms = (ended - last_at) * 1000 / LAST
    return Stream(tokens, len(texts), dropped, ended - started, last_ms, blocks_s)


def growth(path: Path, tokens: Tokens, rows: int) -> list[Size]:
    """Measure candidates of the pool's own kind at growing sizes."""
    compile_all()
    source = recombined(read(path))
    next(source)  # holds the texts from here on
    before = resident_bytes()
    index, bulk_s, sizes = NoveltyIndex(tokens=tokens), 0.0, []
    for size in [*(each for each in SIZES if each < rows), rows]:
        while len(index) < size:
            block = list(islice(source, min(5_000, size - len(index))))
            started = time.process_time()
            index.extend(block)
            bulk_s += time.process_time() - started
        resident = (resident_bytes() - before) / size
        candidates = list(islice(source, LAST))
        candidate_ms = mean_ms(index.duplicate_of, candidates)
        scan_ms = mean_ms(index.scores, candidates[:20])
        counted = index.memory_bytes / size
        sizes.append(Size(size, candidate_ms, scan_ms, bulk_s, resident, counted))
    return sizes


def reference(path: Path) -> Reference:
    """Score a few late rows of the stream with rouge-score and compare with our scores."""
    texts = read(path)
    cached = [rouge_tokens(text) for text in texts]
    index = NoveltyIndex()
    index.extend(texts)
    sample, elapsed_s, same = texts[-1:] + texts[-1000:-999], 0.0, True
    for text in sample:
        started = time.process_time()
        cut = rouge_tokens(text)
        scores = [rouge_scorer._score_lcs(cut, row).fmeasure for row in cached]
        elapsed_s += time.process_time() - started
        same = same and index.scores(text).tolist() == scores
    return Reference(len(texts), len(sample), elapsed_s * 1000 / len(sample), same)


def peers(path: Path) -> dict[str, object]:
    """Run datasketch and rensa in an environment of their own on the same rows."""
    texts = read(path)
    candidates = list(islice(recombined(texts), LAST))
    index = NoveltyIndex()
    index.extend(texts)
    truth = [index.duplicate_of(text) is not None for text in candidates]
    cut = {
        "rows": [rouge_tokens(text) for text in texts],
        "candidates": [text.split() for text in candidates],
        "duplicate": truth,
    }
    with tempfile.TemporaryDirectory() as folder:
        work, python = Path(folder) / "work.json", Path(folder) / "venv/bin/python"
        work.write_text(json.dumps(cut))
        commands = [
            [sys.executable, "-m", "venv", folder + "/venv"],
            [str(python), "-m", "pip", "install", "-q", *PEERS],
        ]
        for command in commands:
            if subprocess.run(command, check=False, capture_output=True).returncode:
                return {name: f"skipped: {' '.join(command[1:4])} failed" for name in PEERS}
        return {name: one_peer(python, name, work) for name in PEERS}


def one_peer(python: Path, name: str, work: Path) -> object:
    """Return what a peer's run prints, or why there is nothing."""
    command = [str(python), str(ROOT / "benchmarks/novelty_peers.py"), name, str(work)]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    if run.returncode:
        return "skipped: " + (run.stderr.strip().splitlines() or ["failed"])[-1]
    return json.loads(run.stdout)


def mean_ms(asked: Callable[[str], object], texts: list[str]) -> float:
    started = time.process_time()
    for text in texts:
        asked(text)
    return (time.process_time() - started) * 1000 / len(texts)


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def alone(measured: Callable[..., Result], *arguments: object) -> Result:
    """Run in a fresh process, so that no measurement inherits another's memory."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as process:
        return process.submit(measured, *arguments).result()


def table(result: dict[str, object], streams: list[Stream], sizes: dict[str, list[Size]]) -> None:
    print(f"{'stream':10}{'rows':>8}{'dropped':>9}{'total s':>9}{'last ms':>9}{'blocks s':>10}")
    for each in streams:
        print(
            f"{each.tokens:10}{each.rows:>8}{each.dropped:>9}{each.stream_s:>9.2f}"
            f"{each.last_ms:>9.4f}{each.filter_stream_s:>10.2f}"
        )
    print(f"\n{'pool':10}{'rows':>8}{'ms':>9}{'per s':>9}{'scan ms':>9}{'bulk s':>8}{'B/row':>7}")
    for name, each_sizes in sizes.items():
        for each in each_sizes:
            print(
                f"{name:10}{each.rows:>8}{each.candidate_ms:>9.4f}"
                f"{1000 / each.candidate_ms:>9.0f}{each.scan_ms:>9.2f}{each.bulk_s:>8.2f}"
                f"{each.resident_bytes_per_row:>7.0f}"
            )
    for name in ("reference", "times_faster", "growth_52k_to_largest", "peers"):
        print(f"\n{name}: {result[name]}")


def main() -> None:
    """Print a table and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ALPACA)
    parser.add_argument("--rows", type=int, default=208_000)
    parser.add_argument("--with-peers", action="store_true", help="install and run them too")
    parser.add_argument("--plot", type=Path, help="write the growth curve as SVG")
    given = parser.parse_args()
    if not given.data.exists():
        print(f"skipped: {given.data.name} is not here")
        return
    streams = [alone(stream, given.data, tokens) for tokens in Tokens]
    sizes = {str(tokens): alone(growth, given.data, tokens, given.rows) for tokens in Tokens}
    published = alone(reference, given.data)
    rouge = sizes[Tokens.ROUGE]
    small = next((each for each in rouge if each.rows >= 52_000), rouge[0])
    result: dict[str, object] = {
        "streams": [asdict(each) for each in streams],
        "growth": {name: [asdict(each) for each in of] for name, of in sizes.items()},
        "reference": asdict(published),
        "times_faster": round(published.candidate_ms / streams[0].last_ms),
        "growth_52k_to_largest": round(rouge[-1].candidate_ms / small.candidate_ms, 2),
        "peers": alone(peers, given.data) if given.with_peers else "not asked for",
    }
    table(result, streams, sizes)
    if given.plot:
        series = [
            Series(f"index, {name} tokens", [(each.rows, each.candidate_ms) for each in of])
            for name, of in sizes.items()
        ]
        series.append(Series("bit-parallel scan", [(each.rows, each.scan_ms) for each in rouge]))
        series.append(
            Series("rouge-score, tokens cached", [(published.rows, published.candidate_ms)])
        )
        given.plot.write_text(drawn(series))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
