"""A process that reads for ever ends, whatever keeps it busy; one that does not is left alone."""

import subprocess
import sys
import time

import pytest

from app.use_cases.watchdog import at_most

STUCK = """
import re, threading, time
from app.use_cases.watchdog import at_most

def quick():
    while True:
        with at_most(60.0):
            time.sleep(0.01)

threading.Thread(target=quick, daemon=True).start()
with at_most(1.0):
    {work}
"""


@pytest.mark.parametrize("work", ['re.fullmatch("(a+)+b", "a" * 64)', "time.sleep(60)"])
def test_a_stuck_process_ends_although_another_thread_is_well(work: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STUCK.format(work=work)],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert b"Timeout" in ended.stderr


def test_what_ends_in_time_leaves_no_timer_behind() -> None:
    with at_most(0.2):
        pass
    time.sleep(0.4)
