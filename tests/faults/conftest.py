"""A running service for each file of fault tests, and the two sizes in which promises are tried."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.figures import Figures
from tests.faults.harness import Harness, running_harness
from tests.faults.promises import BY_NUMBER
from tests.servers import NoServerError

Keep = Callable[[str], Figures]
SHORT_TIMEOUT_S, FULL_TIMEOUT_S = 360, 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A full trial may take long; a short one may wait for a machine that is busy."""
    for item in items:
        if "tests/faults/" in item.nodeid:
            is_full = item.get_closest_marker("long") is not None
            item.add_marker(pytest.mark.timeout(FULL_TIMEOUT_S if is_full else SHORT_TIMEOUT_S))


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    """Servers, and whatever crew the last test left."""
    try:
        with running_harness() as harness:
            yield harness
    except NoServerError as error:
        pytest.skip(f"faults need servers of their own: {error}")


@pytest.fixture(params=["short", pytest.param("full", marks=pytest.mark.long)])
def keep(request: pytest.FixtureRequest, harness: Harness) -> Keep:
    """Put a promise to the test, by its number; returns the figures."""

    def keep(number: str) -> Figures:
        promise = BY_NUMBER[number]
        return promise.run(harness, promise.full if request.param == "full" else promise.short)

    return keep
