"""How near our whole stack comes to what a teacher can serve, beside other tools in the same run.

    python -m benchmarks.teacher                               # every load, every peer
    python -m benchmarks.teacher --cases steady_100,killed --peers aiohttp,curator --scale 0.5
    python -m benchmarks.teacher --in-flight 500 --latency 1 --calls 5000 --json   # ours alone
    python -m benchmarks.teacher --method self_instruct --in-flight 100 --calls 1000 --json

The loads are those of `benchmarks.teacher_cases`; how ours is measured stands in
`benchmarks.teacher_stack`, and the others in `benchmarks.teacher_peers`. Prints a table in Markdown
for every load and, last, one line of JSON.
"""

import argparse
import json
from dataclasses import asdict

from benchmarks.teacher_cases import CASES, Case, Figures, table
from benchmarks.teacher_peers import PEERS, run_peer
from benchmarks.teacher_stack import Ran, Work, run


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--in-flight", type=int, help="one case of our own: calls at once")
    parser.add_argument("--latency", type=float, default=1.0, help="seconds that a reply takes")
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--json", action="store_true", help="ours alone; last line an object")
    parser.add_argument("--method", default="answer", help="the method of our job")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--scale", type=float, default=1.0, help="share of each load's prompts")
    given = parser.parse_args()
    work = Work(given.method)
    if given.in_flight is not None:
        one(Case("alone", given.in_flight, given.latency, given.calls), work)
        return
    cases = [CASES[name].scaled(given.scale) for name in given.cases.split(",")]
    peers = [name for name in given.peers.split(",") if name and not given.json]
    every(cases, peers, work)


def one(case: Case, work: Work) -> None:
    """One case of ours alone."""
    ran = run(case, work)
    print(table(case, [ran.figures]))
    told = asdict(ran.figures)
    told["other_cpu_s_per_1000"] = ran.other_cpu_s_per_1000
    told["reason"] = ran.reason
    print(json.dumps(told))


def every(cases: list[Case], peers: list[str], work: Work) -> None:
    """Each load, ours first, then the others."""
    results: list[dict[str, object]] = []
    for case in cases:
        ran: Ran = run(case, work)
        found: list[Figures] = [ran.figures, *(run_peer(name, case) for name in peers)]
        print(table(case, found), flush=True)
        print(f"Ours besides, CPU s / 1,000 prompts: {ran.other_cpu_s_per_1000}\n", flush=True)
        results += [asdict(each) for each in found]
    print(json.dumps(results))


if __name__ == "__main__":
    main()
