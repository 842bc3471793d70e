"""Training runs as pages without scripts: asked for, followed, stopped, gone on with, removed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.db import training_runs
from app.domain.lifecycle import StopMode, TrainingState
from app.main import build_app
from app.runtime import Runtime
from app.use_cases import exports, training
from app.use_cases.training_runner import train
from tests.api.stored_job import stored_job
from tests.dashboard.conftest import ORIGIN
from tests.dashboard.test_new_job import told
from tests.entry import WITH_TOKEN
from tests.stand_in_trainer import stand_in

LIST = "/dashboard/training"
LOSS = {
    "before": 2.5,
    "after": 1.25,
    "change": {"mean": -1.25, "low": -1.5, "high": -1.0},
}
EVALUATION = {
    "held_out": LOSS,
    "seeds": None,
    "neutral": LOSS,
    "answers": None,
    "overlap": {"run": 16, "rows": 4, "shared": 1},
    "samples": [{"prompt": "<i>ask", "target": "<i>so", "before": "<i>b", "after": "<i>a"}],
    "verdict": {"learnt": True, "remembers": False, "well_formed": None},
}
HELD = f"evaluation={EVALUATION!r}, data={{'train_rows': 2}}"


@pytest.fixture
def ready(runtime: Runtime, tmp_path: Path) -> Runtime:
    """A runtime with a base model, named in a harmful way, and a trainer that is done at once."""
    python = stand_in(
        tmp_path,
        "tell(phase='train', step=1, max_steps=2, loss=1.75)\n"
        "tell(phase='train', step=2, max_steps=2, loss=1.5)\n"
        "if '--dry-run' in sys.argv:\n"
        "    open(os.path.join(folder, 'plan.json'), 'w').write(json.dumps("
        "{'data': {'train_rows': 2, 'dropped': {'too_long': 3}}, 'steps': 7, "
        "'memory_bytes': 5000000, 'seconds': 90.0}))\n"
        f"else: leave({HELD})",
    )
    settings = {"train_python": python, "base_models": str(tmp_path / "<b>rose")}
    return replace(runtime, settings=runtime.settings.model_copy(update=settings))


@pytest.fixture
def browser(ready: Runtime) -> Iterator[TestClient]:
    app = build_app(ready)
    with TestClient(
        app, base_url="http://localhost", follow_redirects=False, headers=WITH_TOKEN
    ) as client:
        yield client


@pytest.fixture
def export_id(ready: Runtime) -> str:
    export_id = exports.request(ready, stored_job(ready).job.id, "alpaca_jsonl").id
    exports.make(ready, export_id)
    return str(export_id)


def asked(browser: TestClient, export_id: str, **more: str) -> str:
    data = {"export_id": export_id, "base_model": "<b>rose", "method": "lora", **more}
    answer = browser.post(LIST, data=data, headers=ORIGIN)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_asked_for_and_followed(browser: TestClient, ready: Runtime, export_id: str) -> None:
    settings = {"options/rank": "4", "options/warmup": "0.1", "held_out": "0.25"}
    where = asked(browser, export_id, **settings)
    run_id = UUID(where.rpartition("/")[2])
    made = training.get(ready, run_id)
    assert (made.settings, made.held_out) == ({"rank": 4, "warmup": 0.1}, 0.25)
    assert "Stop and save" in browser.get(where).text
    train(ready, run_id)
    text = browser.get(where).text
    for words in (
        "succeeded",
        "2 of 2",
        "2.5000",
        "1.2500",
        f"/v1/training-runs/{run_id}/download",
        "-1.2500 (-1.5000 to -1.0000)",
        "beyond chance",
        "it forgot",
        "1 of 4 rows",
        "&lt;i&gt;ask",
        f"/v1/training-runs/{run_id}/files/adapter/weights",
        "<dt>rank</dt><dd>4</dd>",
        "25 % of the rows",
        '<progress max="2" value="2"',
        'aria-label="loss a token: 1.5000, 1.7500 at most, over steps 1 to 2"',
    ):
        assert words in text, words
    assert "<i>" not in text
    assert "<b>rose" not in text
    listed = browser.get(LIST).text
    assert "&lt;b&gt;rose" in listed
    assert "<b>rose" not in listed
    assert browser.get(f"{where}/fragment").status_code == 200


def test_counted_first_and_then_trained(
    browser: TestClient, ready: Runtime, export_id: str
) -> None:
    where = asked(browser, export_id, action="count", **{"options/rank": "4"})
    run_id = UUID(where.rpartition("/")[2])
    train(ready, run_id)
    text = browser.get(where).text
    for words in ("What it would come to", "dropped, too long", "5.0 MB", "1 min 30 s"):
        assert words in text, words
    assert "/download" not in text
    assert "counted only" in browser.get(LIST).text
    following = browser.post(f"{where}/train", headers=ORIGIN).headers["location"]
    made = training.get(ready, UUID(following.rpartition("/")[2]))
    assert (made.dry_run, made.settings) == (False, {"rank": 4})


def test_what_is_wrong_stands_at_its_field(browser: TestClient, export_id: str) -> None:
    data = {"export_id": export_id, "base_model": "<b>rose", "method": "lora", "options/rank": "0"}
    answer = browser.post(LIST, data=data, headers=ORIGIN)
    assert answer.status_code == 422
    assert "must be from 1 to 1024" in answer.text
    assert '<details id="others">' in answer.text
    folded = {**data, "options/rank": "4", "options/warmup": "2", "held_out": "0.95"}
    assert told(browser.post(LIST, data={**folded, "held_out": "1e-3"}, headers=ORIGIN).text) == {
        ("options/warmup", "must be from 0 to 1, not 2.0")
    }
    held_out = browser.post(LIST, data=folded, headers=ORIGIN).text
    assert told(held_out) == {("held_out", "must be from 0 to 0.9, not 0.95")}
    assert '<details id="others" open>' in held_out, "what was typed is seen"
    assert browser.post(LIST, data={"method": "lora"}, headers=ORIGIN).status_code == 422
    assert browser.post(LIST, data=data).status_code == 403, "not from one of our pages"


def test_a_run_under_way_tells_its_pace(
    browser: TestClient, ready: Runtime, export_id: str
) -> None:
    where = asked(browser, export_id)
    run_id = UUID(where.rpartition("/")[2])
    pace = {"step": 30, "max_steps": 90, "tokens": 60_000, "tok_s": 100.0, "lr": 2e-4}
    with ready.database.transaction() as connection:
        queued, running = TrainingState.QUEUED, TrainingState.RUNNING
        training_runs.move(connection, run_id, queued, running, progress=pace, attempt=1)
    text = browser.get(where).text
    for words in ("20 min 0 s", "2.00e-04", 'max="90" value="30"', "All settings are the defaults"):
        assert words in text, words


def test_the_other_button_shows_another_methods_settings(browser: TestClient) -> None:
    answer = browser.post(LIST, data={"method": "houlsby", "action": "method"}, headers=ORIGIN)
    assert answer.status_code == 200
    assert "options/bottleneck" in answer.text
    assert "options/rank" not in answer.text


def test_stopped_gone_on_with_and_removed(
    browser: TestClient, ready: Runtime, export_id: str
) -> None:
    where = asked(browser, export_id)
    run_id = UUID(where.rpartition("/")[2])
    assert browser.post(f"{where}/stop", data={"mode": "save"}, headers=ORIGIN).status_code == 303
    assert training.get(ready, run_id).state is TrainingState.CANCELLED
    assert browser.post(f"{where}/resume", headers=ORIGIN).status_code == 409
    assert browser.post(f"{where}/delete", headers=ORIGIN).headers["location"] == LIST
    assert browser.get(where).status_code == 404
    assert training.page(ready).items == []
    assert set(StopMode) == {"save", "discard"}


def test_without_a_base_model_it_says_so(runtime: Runtime) -> None:
    with TestClient(build_app(runtime), base_url="http://localhost", headers=WITH_TOKEN) as client:
        assert "CULTIVAR_BASE_MODELS" in client.get(LIST).text
