"""Worth curves and comparisons as pages: asked for by forms, followed, stopped."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.main import build_app
from app.runtime import Runtime
from app.use_cases import exports, training
from app.use_cases.comparison_runner import make
from app.use_cases.training_runner import train
from tests.api.stored_job import stored_job, stored_teacher
from tests.api.test_comparisons import ANSWERS
from tests.dashboard.conftest import ORIGIN
from tests.entry import WITH_TOKEN
from tests.llm.scripted_teacher import answers, completion, scripted_teacher
from tests.stand_in_trainer import stand_in
from tests.use_cases.test_worth import TRAINER

TRAINING, COMPARISONS = "/dashboard/training", "/dashboard/comparisons"


@pytest.fixture
def ready(runtime: Runtime, tmp_path: Path) -> Runtime:
    more = 'open(os.path.join(folder, "metrics.json"), "w").write(json.dumps({}))\n'
    plainly = f'if "curve" not in folder:\n {more}'
    python = stand_in(tmp_path, ANSWERS + TRAINER + plainly)
    settings = {"train_python": python, "base_models": str(tmp_path / "rose")}
    return replace(runtime, settings=runtime.settings.model_copy(update=settings))


@pytest.fixture
def browser(ready: Runtime) -> Iterator[TestClient]:
    with TestClient(
        build_app(ready),
        base_url="http://localhost",
        follow_redirects=False,
        headers=WITH_TOKEN,
    ) as client:
        yield client


def sent(browser: TestClient, address: str, **data: str) -> str:
    answer = browser.post(address, data=data, headers=ORIGIN)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def id_of(where: str) -> UUID:
    return UUID(where.rpartition("/")[2])


@pytest.fixture
def form(ready: Runtime) -> dict[str, str]:
    job = stored_job(ready, row_count=60, target_rows=60).job
    export_id = exports.request(ready, job.id, "alpaca_jsonl").id
    exports.make(ready, export_id)
    return {"export_id": str(export_id), "base_model": "rose", "method": "lora"}


def test_a_curve_is_drawn(browser: TestClient, ready: Runtime, form: dict[str, str]) -> None:
    assert "Measure the worth" in browser.get(TRAINING).text
    plan = {"action": "worth", "worth/shares": "1, 0.5", "worth/repeats": "1"}
    where = sent(browser, TRAINING, **form, **plan)
    assert "Stop and save" in browser.get(where).text
    train(ready, id_of(where))
    assert training.get(ready, id_of(where)).error is None
    text = browser.get(where).text
    for words in ("<svg ", "more rows would change the loss by", "2 of 2 trainings"):
        assert words in text, words
    assert "Let a teacher judge it" not in text
    assert "worth curve" in browser.get(TRAINING).text
    wrong = browser.post(TRAINING, data={**form, **plan, "worth/shares": "2"}, headers=ORIGIN)
    assert wrong.status_code == 422
    assert "each above 0 and up to 1" in wrong.text
    wrong = browser.post(TRAINING, data={**form, **plan, "worth/repeats": "x"}, headers=ORIGIN)
    assert "must be an integer" in wrong.text


def test_a_teacher_compares(browser: TestClient, ready: Runtime, form: dict[str, str]) -> None:
    run = sent(browser, TRAINING, **form)
    train(ready, id_of(run))
    link = f"{COMPARISONS}?run={id_of(run)}"
    assert f'href="{link}"' in browser.get(run).text
    with scripted_teacher(answers(completion("Better: tie"))) as teacher:
        name = "<b>judge"
        judge = stored_teacher(ready, name=name, model="<i>oak", base_url=teacher.base_url)
        offered = browser.get(link).text
        assert f'value="{id_of(run)}" selected' in offered
        assert "&lt;b&gt;judge" in offered
        wish = {"run_id": str(id_of(run)), "teacher_id": str(judge), "cap_micro_usd": "0.5"}
        where = sent(browser, COMPARISONS, **wish)
        assert sent(browser, f"{where}/stop") == where
        assert "Go on" in browser.get(where).text
        assert sent(browser, f"{where}/resume") == where
        make(ready, id_of(where))
    text = browser.get(where).text
    for words in ("2 of 2", "The tuned model wins 50.0 %", "succeeded", "&lt;i&gt;oak"):
        assert words in text, words
    assert "<i>oak" not in text
    assert browser.get(f"{where}/fragment").status_code == 200
    assert "50.0 %" in browser.get(COMPARISONS).text
    assert sent(browser, f"{where}/delete") == COMPARISONS


def test_what_is_wrong_stands_at_its_field(browser: TestClient) -> None:
    answer = browser.post(COMPARISONS, data={"cap_calls": "x"}, headers=ORIGIN)
    assert answer.status_code == 422
    for name in ("run_id", "teacher_id", "cap_calls"):
        assert f'id="{name}-error"' in answer.text, name
    assert browser.post(COMPARISONS, data={}).status_code == 403, "not from one of our pages"
