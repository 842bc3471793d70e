"""What a job may say about its embedder, and what it may not."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import jobs
from tests.driving import add_seeds, add_teacher
from tests.use_cases.proposing import add_embedder, make_job


def problems(runtime: Runtime, **details: Any) -> Sequence[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        make_job(runtime, **details)
    return [(each.pointer, each.code) for each in caught.value.problems]


def test_threshold_and_embedder_go_together(runtime: Runtime) -> None:
    embedder_id = add_embedder(runtime, "http://127.0.0.1:9/v1")
    unpriced = add_embedder(
        runtime, "http://127.0.0.1:9/v1", name="x", input_micro_usd_per_million=None
    )
    free = add_embedder(
        runtime, "http://127.0.0.1:9/v1", name="y", output_micro_usd_per_million=None
    )
    writer = add_teacher(runtime, "http://127.0.0.1:9/v1").id
    threshold = "/options/semantic_threshold"
    assert problems(runtime, semantic_threshold=0.8) == [(threshold, "missing_field")]
    assert problems(runtime, semantic_threshold=0.4) == [(threshold, "out_of_range")]
    assert problems(runtime, embedder_id=embedder_id) == [("/embedder_id", "missing_field")]
    given: dict[str, Any] = {"semantic_threshold": 0.8}
    assert problems(runtime, embedder_id=writer, **given) == [("/embedder_id", "wrong_type")]
    assert problems(runtime, embedder_id=unpriced, **given) == [("/embedder_id", "price_required")]
    assert problems(runtime, embedder_id=UUID(int=1), **given) == [("/embedder_id", "not_found")]
    assert make_job(runtime, embedder_id=free, **given).embedder_id == free
    with pytest.raises(InvalidInput) as caught:
        jobs.submit(runtime, jobs.JobDetails(add_seeds(runtime), embedder_id, 5))
    assert [each.pointer for each in caught.value.problems] == ["/teacher_id"]
