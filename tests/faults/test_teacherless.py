"""Jobs that call no teacher come through kills as well: every pair of row and template once."""

import json
import random
import signal
import time
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from tests import invariants
from tests.faults.crew import Crew, Shape
from tests.faults.harness import Harness

pytestmark = [pytest.mark.slow, pytest.mark.faults]
ROWS, KILLS = 2_000, 3
LOOK = sa.text(
    "SELECT state, (SELECT count(*) FROM rows WHERE job_id = jobs.id AND rows.state = 'accepted')"
    " FROM jobs WHERE id = :job"
)
WORDS = ("rain", "tea", "moss", "iron", "salt", "clay", "wool", "rice")
YAML = {"content-type": "application/yaml"}
JSONL = {"content-type": "application/x-ndjson"}
TEMPLATES = """\
dataset: reports
templates:
  a: !Template
    answer_choices: dull ||| bright
    id: a
    jinja: "{{ text }} How was it? ||| {{ answer_choices[label] }}"
    metadata: !TemplateMetadata {original_task: true}
    name: how
  b: !Template
    answer_choices: null
    id: b
    jinja: "{% if label %}Report {{ n }}, please. ||| {{ text }}{% endif %}"
    metadata: !TemplateMetadata {original_task: true}
    name: report
"""


def labelled_rows() -> bytes:
    texts = [" ".join(f"{word}{n}" for word in WORDS) for n in range(ROWS)]
    made = [{"n": n, "text": text, "label": n % 2} for n, text in enumerate(texts)]
    return "".join(json.dumps(each) + "\n" for each in made).encode()


def test_a_killed_worker_neither_loses_nor_doubles_a_rendered_row(harness: Harness) -> None:
    crew = harness.man(Shape(generators=2))
    client = harness.client
    labelled = client.call(
        "POST", "/v1/labelled-sets?name=reports", content=labelled_rows(), headers=JSONL
    )
    templates = client.call("POST", "/v1/template-sets", content=TEMPLATES, headers=YAML)
    body = {
        "method": "template",
        "labelled_set_id": labelled["id"],
        "template_set_id": templates["id"],
    }
    job = _killed_often(harness, crew, body)
    assert job["rows"]["accepted"] == ROWS + ROWS // 2
    assert _texts(harness, job) == _texts(harness, client.wait_for_job(_submit(harness, body)))

    mixed = _killed_often(harness, crew, {"method": "mix", "sources": [{"job_id": job["id"]}]})
    assert mixed["rows"]["accepted"] == job["rows"]["accepted"]
    assert sorted(_texts(harness, mixed)) == sorted(_texts(harness, job))
    invariants.check(harness.runtime)


def _killed_often(harness: Harness, crew: Crew, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ended job; workers of both kinds were killed while it ran."""
    rng, job_id = random.Random(7), _submit(harness, body)
    running_at_kill = 0
    for number in range(KILLS):
        running_at_kill += _wait_for_rows(harness, job_id, 1 + number * ROWS // 4) == "running"
        crew.signal(rng.choice(["other", "generate-1", "generate-2"]), signal.SIGKILL)
    job = harness.client.wait_for_job(job_id, timeout_s=240)
    assert running_at_kill >= 2
    assert (job["state"], job["money"]["spent_micro_usd"]) == ("succeeded", 0), job
    return job


def _submit(harness: Harness, body: Mapping[str, Any]) -> str:
    return str(harness.client.call("POST", "/v1/jobs", json=body)["id"])


def _wait_for_rows(harness: Harness, job_id: str, count: int) -> str:
    """The state of the job when so many rows are there; asks Postgres, as REST may be 2 s late."""
    deadline_s = time.monotonic() + 120
    while True:
        with harness.runtime.database.transaction() as connection:
            state, rows = connection.execute(LOOK, {"job": job_id}).one()
        if rows >= count or state not in {"queued", "running"}:
            return str(state)
        assert time.monotonic() < deadline_s, (state, rows)
        time.sleep(0.01)


def _texts(harness: Harness, job: Mapping[str, Any]) -> list[str]:
    """Instruction and output of every row, in the order of the job."""
    export, content = harness.client.export(job["id"], "alpaca_jsonl")
    lines = content.decode().splitlines()
    assert export["row_count"] == len(lines)
    return lines
