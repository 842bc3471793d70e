"""Parts of the rows, as a worth curve's commands take them."""

from app.domain.worth import WorthPlan
from app.errors import InvalidInput, Problem


def read_plan(shares: str, repeats: int) -> WorthPlan:
    """Numbers in (0, 1] between commas, and random seeds of each; raises InvalidInput."""
    try:
        given = tuple(sorted({float(each) for each in shares.split(",")}))
    except ValueError:
        given = ()
    plan = WorthPlan(shares=given, repeats=repeats)
    if problems := plan.problems():
        shown = [
            Problem(each.pointer, each.code, f"{each.detail}: {shares!r}") for each in problems
        ]
        raise InvalidInput("The comparison cannot be made so.", problems=shown)
    return plan
