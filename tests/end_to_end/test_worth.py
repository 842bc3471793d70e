"""The worth of an export by the real trainer, and its model judged; the base alone is tiny."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from app.domain.lifecycle import TrainingState
from app.domain.worth import WorthPlan
from app.runtime import Runtime
from app.use_cases import comparisons, exports, training, worth_results
from app.use_cases.comparison_runner import make
from app.use_cases.comparisons import ComparisonWish
from app.use_cases.training import TrainingWish
from app.use_cases.training_runner import train
from tests.api.stored_job import stored_rows, stored_teacher, submitted_job
from tests.driving import running_runtime
from tests.llm.scripted_teacher import answers, completion, scripted_teacher
from tests.real_trainer import TRAIN_PYTHON, make_tiny_base, needs_trainer

pytestmark = [pytest.mark.long, pytest.mark.train, pytest.mark.timeout(600), needs_trainer]
SETTINGS = {"max_steps": 2, "rank": 4, "threads": 1, "max_length": 256, "answer_tokens": 8}


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    base = make_tiny_base(tmp_path / "tiny-base")
    with running_runtime(database_url, tmp_path / "home", base_models=str(base)) as runtime:
        able = runtime.settings.model_copy(update={"train_python": TRAIN_PYTHON})
        yield replace(runtime, settings=able)


@pytest.fixture
def export_id(runtime: Runtime) -> UUID:
    job = submitted_job(runtime, 20)
    stored_rows(runtime, job, row_count=20, rejected_output="It is nothing.")
    export_id = exports.request(runtime, job.id, "chat_messages").id
    exports.make(runtime, export_id)
    return export_id


def test_a_curve_and_a_judge(runtime: Runtime, export_id: UUID) -> None:
    wish = TrainingWish(
        export_id=export_id, base_model="tiny-base", settings=SETTINGS, held_out=0.3
    )
    plan = WorthPlan(shares=(0.5, 1.0), repeats=1)
    run = training.request(runtime, replace(wish, worth=plan))
    train(runtime, run.id)
    ended = training.get(runtime, run.id)
    assert (ended.state, ended.error) == (TrainingState.SUCCEEDED, None)
    found = worth_results.so_far(runtime, run.id)
    assert found["runs"] == {"done": 3, "of": 3}
    assert {each["source"] for each in found["points"]} == {"rows", "pool"}
    assert all(0 < each["loss"] < found["base_loss"] for each in found["points"])
    single = training.request(runtime, wish)
    train(runtime, single.id)
    with scripted_teacher(answers(completion("Better: tie"))) as teacher:
        judge = stored_teacher(runtime, name="judge", base_url=teacher.base_url)
        comparison = comparisons.request(
            runtime, ComparisonWish(run_id=single.id, teacher_id=judge)
        )
        make(runtime, comparison.id)
    judged = comparisons.get(runtime, comparison.id)
    assert (judged.state, judged.error) == (TrainingState.SUCCEEDED, None)
    assert judged.done == judged.total > 0
