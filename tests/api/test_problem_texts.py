"""Each code that a refusal carries can be looked up where its report says."""

import pytest
from starlette.testclient import TestClient

from app.api.problem_texts import TEXTS
from tests.api.bad_requests import EVERY


@pytest.mark.parametrize("code", sorted({bad.code for bad in EVERY}))
def test_every_code_of_the_table_is_explained(code: str) -> None:
    assert TEXTS[code]


def test_the_type_of_a_report_leads_to_its_text(client: TestClient) -> None:
    report = client.get("/v1/jobs?limit=0").json()
    text = client.get(report["type"])
    assert (text.status_code, text.json()["code"]) == (200, report["code"])
    assert client.get("/problems/no-such-thing").status_code == 404
