"""Embedders over HTTP: registered as teachers, named by jobs, refused with a pointer."""

from starlette.testclient import TestClient

from app.runtime import Runtime
from tests.api.stored_job import stored_seed_set, stored_teacher


def test_a_job_names_its_embedder(client: TestClient, runtime: Runtime) -> None:
    embedder_id = stored_teacher(
        runtime, name="vectors", endpoint="embeddings", output_micro_usd_per_million=None
    )
    body = {
        "seed_set_id": str(stored_seed_set(runtime)),
        "teacher_id": str(stored_teacher(runtime)),
        "target_rows": 2,
        "options": {"semantic_threshold": 0.9, "compare_inputs": True},
        "embedder_id": str(embedder_id),
    }
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["embedder_id"] == str(embedder_id)
    assert answer.json()["options"]["semantic_threshold"] == 0.9
    del body["embedder_id"]
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == 422
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/options/semantic_threshold", "missing_field")
    ]
    assert client.delete(f"/v1/teachers/{embedder_id}").status_code == 409
