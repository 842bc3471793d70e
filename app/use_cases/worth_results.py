"""The worth curve of a run as far as it is made, in numbers and as a picture."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from app.domain.stored import TrainingRecord
from app.domain.worth import outcomes_of
from app.domain.worth_chart import chart
from app.errors import Conflict, NotFound
from app.runtime import Runtime
from app.use_cases.training import get, result_folder
from app.use_cases.worth import RESULT, title_of


def so_far(runtime: Runtime, run_id: UUID) -> Mapping[str, Any]:
    """The members of worth.json; raises NotFound, or Conflict until a training of it is done."""
    return so_far_of(runtime, get(runtime, run_id))


def so_far_of(runtime: Runtime, record: TrainingRecord) -> Mapping[str, Any]:
    """The same of a run that is at hand."""
    if record.worth is None:
        raise NotFound(f"The run {record.id} is one training, not a worth curve.")
    try:
        return orjson.loads((result_folder(runtime, record) / RESULT).read_bytes())
    except FileNotFoundError:
        raise Conflict(f"The curve has no point yet; the run is {record.state}.") from None


def picture(result: Mapping[str, Any]) -> str:
    """The curve as SVG."""
    return chart(outcomes_of(result), title_of(result))
