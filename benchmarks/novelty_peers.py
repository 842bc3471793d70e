"""MinHash peers on the novelty benchmark's rows; runs alone, in an environment that has them.

Usage: python novelty_peers.py datasketch|rensa WORK.json, prints one JSON object. A text is
dropped when the peer finds any row at its threshold (Jaccard 0.55, 128 permutations).
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THRESHOLD, PERMUTATIONS = 0.55, 128


class Datasketch:
    """MinHash and MinHashLSH as its documentation shows them."""

    def __init__(self) -> None:
        import datasketch  # noqa: PLC0415 - only one of the two need be installed

        self.minhash: Callable[..., Any] = datasketch.MinHash
        self.lsh: Any = datasketch.MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)

    def sketch(self, words: list[str]) -> Any:
        sketch = self.minhash(num_perm=PERMUTATIONS)
        sketch.update_batch([word.encode() for word in words])
        return sketch

    def near(self, sketch: Any) -> bool:
        return bool(self.lsh.query(sketch))

    def add(self, number: int, sketch: Any) -> None:
        self.lsh.insert(str(number), sketch)


class Rensa:
    """RMinHash with its LSH, and its own estimate of what the LSH returns."""

    def __init__(self) -> None:
        import rensa  # noqa: PLC0415 - only one of the two need be installed

        self.minhash: Callable[..., Any] = rensa.RMinHash
        self.lsh: Any = rensa.RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=32)
        self.sketches: dict[int, Any] = {}

    def sketch(self, words: list[str]) -> Any:
        sketch = self.minhash(num_perm=PERMUTATIONS, seed=42)
        sketch.update(words)
        return sketch

    def near(self, sketch: Any) -> bool:
        return any(
            sketch.jaccard(self.sketches[number]) >= THRESHOLD for number in self.lsh.query(sketch)
        )

    def add(self, number: int, sketch: Any) -> None:
        self.lsh.insert(number, sketch)
        self.sketches[number] = sketch


def stream(peer: Any, rows: list[list[str]]) -> dict[str, float]:
    """Check and add each row; every drop is wrong, as the rows are novel to one another."""
    dropped, started = 0, time.perf_counter()
    for number, words in enumerate(rows):
        sketch = peer.sketch(words)
        if peer.near(sketch):
            dropped += 1
        else:
            peer.add(number, sketch)
    return {"stream_s": round(time.perf_counter() - started, 2), "wrongly_dropped": dropped}


def against_truth(peer: Any, work: dict[str, Any]) -> dict[str, float]:
    """Compare decisions on candidates against the whole pool with the exact ones."""
    for number, words in enumerate(work["rows"]):
        peer.add(number, peer.sketch(words))
    said = [peer.near(peer.sketch(words)) for words in work["candidates"]]
    truth = work["duplicate"]
    pairs = list(zip(said, truth, strict=True))
    return {
        "candidates": len(truth),
        "duplicates": sum(truth),
        "missed": pairs.count((False, True)),
        "novel_but_dropped": pairs.count((True, False)),
    }


def main() -> None:
    """Run the peer named on the command line."""
    kind = {"datasketch": Datasketch, "rensa": Rensa}[sys.argv[1]]
    work = json.loads(Path(sys.argv[2]).read_text())
    print(json.dumps(stream(kind(), work["rows"]) | against_truth(kind(), work)))


if __name__ == "__main__":
    main()
