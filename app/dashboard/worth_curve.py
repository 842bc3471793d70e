"""What a page shows of a worth curve: the picture, what was trained on, and what more rows buy."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from app.domain.stored import TrainingRecord
from app.errors import CultivarError
from app.runtime import Runtime
from app.use_cases import worth_results


def worth_so_far(runtime: Runtime, run: TrainingRecord) -> Mapping[str, Any] | None:
    """The numbers so far with their `picture`; None before the first training is done."""
    if run.worth is None:
        return None
    try:
        found = worth_results.so_far_of(runtime, run)
    except CultivarError:
        return None
    return {**found, "picture": Markup(worth_results.picture(found))}  # noqa: S704 - drawn by us
