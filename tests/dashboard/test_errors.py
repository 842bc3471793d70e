"""Each kind of failure has its status on a page."""

import pytest

from app import errors
from app.dashboard.errors import STATUSES, CrossSite, status_of
from app.errors import CultivarError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CultivarError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_in_the_table(kind: type[CultivarError]) -> None:
    assert kind in STATUSES


def test_the_nearest_kind_counts() -> None:
    class Odder(errors.Conflict):
        """A kind that the table does not name."""

    assert status_of(Odder("odd")) == 409
    assert status_of(CrossSite("no")) == 403
