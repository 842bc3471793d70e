"""Spans: a job, calls, admission, export and requests, by ids; and nothing without the extra."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import SecretStr

from app import traces
from app.domain.lifecycle import CandidateState
from app.embedded.migrate import ROOT
from app.open_telemetry import OpenTelemetryTracer
from app.runtime import Runtime
from app.use_cases import exports, jobs
from app.use_cases.jobs import JobDetails
from tests.api.conftest import connected_client
from tests.api.stored_job import KEY
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import add_seeds, add_teacher, running_driver, running_runtime

# What the extra brings cannot be imported (FastAPI brings the bare API of OpenTelemetry itself).
WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter")):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
"""


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """What gets every span while the test runs."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traces.listen(OpenTelemetryTracer(provider))
    yield exporter
    traces.listen(None)


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    with running_runtime(database_url, tmp_path / "home") as runtime:
        yield runtime


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    """The finished spans of a name."""
    return [each for each in exporter.get_finished_spans() if each.name == f"cultivar.{name}"]


def attribute(span: ReadableSpan, name: str) -> str:
    """An attribute of ours."""
    return str(dict(span.attributes or {})[f"cultivar.{name}"])


def test_a_job_leaves_spans_with_ids_and_without_texts(
    exporter: InMemorySpanExporter, runtime: Runtime
) -> None:
    with start_demo_teacher(seed=7, api_key=KEY) as teacher, running_driver(runtime) as driver:
        teacher_id = add_teacher(runtime, teacher.base_url, api_key=SecretStr(KEY)).id
        job = jobs.submit(runtime, JobDetails(add_seeds(runtime), teacher_id, target_rows=5))
        driver.finish(job.id)
        made = exports.request(runtime, job.id, "alpaca")
        exports.make(runtime, made.id)
        called = jobs.page_calls(runtime, job.id, limit=1000).items
        rows = jobs.page_candidates(runtime, job.id, limit=1000).items
    slices = named(exporter, "slice")
    assert {attribute(each, "job") for each in slices} == {str(job.id)}
    calls = named(exporter, "teacher_call")
    slots = {attribute(each, "slot") for each in calls}
    assert slots == {str(each.id) for each in called if each.attempt}
    ids = {each.context.span_id for each in slices if each.context}
    assert {each.parent.span_id for each in calls if each.parent} <= ids
    assert all(each.parent and each.kind is SpanKind.CLIENT for each in calls)
    assert all((each.end_time or 0) > (each.start_time or 0) for each in calls)
    batches = [int(attribute(each, "judged")) for each in named(exporter, "admission_batch")]
    judged = [each for each in rows if each.state is not CandidateState.REJECTED]
    assert sum(batches) == len(judged)
    assert [each.attributes for each in named(exporter, "export")] == [
        {"cultivar.export": str(made.id), "cultivar.job": str(job.id)}
    ]
    everything = "".join(each.to_json() for each in exporter.get_finished_spans())
    assert KEY not in everything
    assert not any(each.instruction in everything for each in rows)


def test_a_request_is_a_span_by_its_pattern(
    exporter: InMemorySpanExporter, runtime: Runtime
) -> None:
    with connected_client(runtime) as client:
        answer = client.get("/v1/jobs?limit=3")
        client.get("/v1/jobs/nonsense-canary")
    first, second = named(exporter, "http_request")
    assert first.attributes == {
        "cultivar.method": "GET",
        "cultivar.route": "/v1/jobs",
        "cultivar.status": 200,
        "cultivar.request": answer.headers["x-request-id"],
    }
    assert "canary" not in second.to_json()


def test_a_failure_is_told_by_its_class(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="canary"), traces.span("slice", job="1"):
        raise ValueError("canary text")
    (span,) = named(exporter, "slice")
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.attributes or {})["error.type"] == "ValueError"
    assert "canary" not in span.to_json()


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_an_endpoint_no_exporter_is_imported() -> None:
    code = """
import sys, app.main, workers.celery_app
app.main.create_app()
print([name for name in sys.modules if "telemetry.exporter" in name or "open_telemetry" in name])
"""
    ran = run_python(code, OTEL_EXPORTER_OTLP_ENDPOINT="")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"


def test_the_service_runs_without_the_packages() -> None:
    code = f"""{WITHOUT}
import app.main, workers.celery_app
from app import traces
from app.settings import Settings
app.main.create_app()
traces.start("api", Settings().otlp_endpoint)
with traces.span("slice", job="1") as span:
    span.set(over=True)
print("runs")
"""
    ran = run_python(code, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.rstrip().endswith("runs")
    assert "traces_not_sent" in ran.stdout
    assert "cultivar[otel]" in ran.stdout
