"""One demo teacher with default settings and no latency, shared by the tests of a process."""

from collections.abc import Iterator

import pytest

from tests.demo_teacher_process import RunningTeacher, start_demo_teacher


@pytest.fixture(scope="session")
def teacher() -> Iterator[RunningTeacher]:
    """A grammar teacher that answers at once."""
    with start_demo_teacher(latency_s=0, seed=7) as running:
        yield running
