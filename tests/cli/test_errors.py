"""Each kind of failure has its status and is told in a few lines."""

import io

import pytest
from rich.console import Console

from app import errors
from app.cli.errors import STATUS_BY_KIND, report, status_of
from app.errors import CultivarError, InvalidUpload, LineProblem, UploadReport

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CultivarError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_status(kind: type[CultivarError]) -> None:
    nearest = next(each for each in kind.__mro__ if each in STATUS_BY_KIND)
    assert nearest is not CultivarError or kind is CultivarError, "name the kind in the table"
    assert STATUS_BY_KIND[nearest] == (2 if issubclass(kind, errors.InvalidInput) else 1)


def test_the_nearest_kind_counts() -> None:
    assert status_of(errors.TooLarge("much")) == 2
    assert status_of(errors.InUse("used")) == 1


def test_every_bad_line_is_told() -> None:
    lines = tuple(LineProblem(number, "json_syntax", "odd") for number in (3, 9))
    error = InvalidUpload("Nothing was stored.", UploadReport(lines, 5, 9, 4, truncated=True))
    written = io.StringIO()
    assert report(error, Console(file=written)) == 2
    told = written.getvalue().splitlines()
    assert told[0] == "error: Nothing was stored."
    assert [line.split()[:2] for line in told[1:3]] == [["line", "3"], ["line", "9"]]
    assert told[3].strip() == "and 3 more"
