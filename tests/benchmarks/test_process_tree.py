"""What a command took: orphans' work counts, a kill reaches all, an end is told as it was."""

import sys
import time
from pathlib import Path

import pytest

from benchmarks.process_tree import Tree

pytestmark = pytest.mark.slow

BURN = "import time\nwhile time.process_time() < 0.2: pass\n"
ORPHAN = f"""
import subprocess, sys
burning = subprocess.Popen([sys.executable, "-c", {BURN!r}], start_new_session=True)
print("left behind")
"""
SLEEPING_FAMILY = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
time.sleep(600)
"""
HOLDING = "held = bytearray(40 << 20); print(flush=True); input()"
FAMILY_WITH_MEMORY = f"""
import subprocess, sys, time
command, pipes = [sys.executable, "-c", {HOLDING!r}], dict.fromkeys(["stdin", "stdout"], -1)
children = [subprocess.Popen(command, **pipes) for _ in range(3)]
[child.stdout.readline() for child in children]
time.sleep(1.5)
[child.communicate(b"\\n") for child in children]
"""


def python(code: str) -> Tree:
    return Tree([sys.executable, "-c", code])


def test_work_of_a_child_that_nobody_waited_for_counts() -> None:
    took = python(ORPHAN).wait(60)
    assert took.status == 0
    assert took.output == "left behind\n"
    assert took.cpu_s >= 0.2


def test_memory_that_was_held_for_a_moment_counts() -> None:
    small = python("pass").wait(60)
    large = python("held = bytearray(80 << 20)").wait(60)
    assert large.peak_mb - small.peak_mb > 70


def test_memory_of_processes_at_once_is_summed() -> None:
    assert python(FAMILY_WITH_MEMORY).wait(60).peak_mb > 120


def test_a_kill_ends_the_whole_family() -> None:
    tree = python(SLEEPING_FAMILY)
    tree.kill()
    took = tree.wait(60)
    assert took.status == -9
    assert not took.timed_out


def test_a_family_that_has_grown_is_killed_as_well(tmp_path: Path) -> None:
    grown = tmp_path / "grown"
    tree = python(SLEEPING_FAMILY.replace("\ntime", f"\nopen({str(grown)!r}, 'w')\ntime"))
    while not grown.exists():
        assert tree.running
        time.sleep(0.02)
    tree.kill()
    assert tree.wait(60).status == -9


def test_what_takes_too_long_is_killed_and_told() -> None:
    took = python(SLEEPING_FAMILY).wait(0.5)
    assert took.timed_out
    assert took.status == -9


@pytest.mark.parametrize("status", [0, 3])
def test_a_status_and_words_come_back(status: int) -> None:
    took = python(f"import sys; print('no', file=sys.stderr); sys.exit({status})").wait(60)
    assert (took.status, took.errors) == (status, "no\n")
