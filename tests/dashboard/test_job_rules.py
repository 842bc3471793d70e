"""Filters, evaluation sets and prompt texts in the form of a new job: all that REST takes."""

from html import unescape
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.dashboard import rule_fields
from app.dashboard.job_form import form_of_job, read_job
from app.domain.methods import METHODS
from app.runtime import Runtime
from app.use_cases import evaluation_sets, filters, jobs, methods
from app.use_cases.evaluation_sets import EvaluationSetDetails
from tests.api.stored_job import stored_seed_set, stored_teacher
from tests.dashboard.test_new_job import NEW, sent, told

# A page without its style, script and icon, of 150 kB in all.
MOST_BYTES = 120_000
PROPOSE = "Add tasks to this list:\n{{tasks}}\n{{next}}. \n"


@pytest.fixture
def ids(runtime: Runtime) -> dict[str, str]:
    """What a job grows from."""
    found = {"seed_set_id": stored_seed_set(runtime), "teacher_id": stored_teacher(runtime)}
    return {name: str(value) for name, value in found.items()}


@pytest.fixture
def set_id(runtime: Runtime) -> str:
    """An evaluation set."""
    lines = b'{"instruction": "Name the rivers that flow through the old town of <b>."}\n'
    added = evaluation_sets.add(runtime, EvaluationSetDetails("<b>exam"), [lines])
    return str(added.evaluation_set.id)


def same_as_rest(
    browser: TestClient, runtime: Runtime, fields: dict[str, Any], body: dict[str, Any]
) -> jobs.Job:
    """The job of the form, after a look at the one that REST makes of the body."""
    answer = sent(browser, NEW, {"target_rows": "5", **fields})
    assert answer.status_code == 303, told(answer.text)
    made = jobs.get(runtime, UUID(answer.headers["location"].rpartition("/")[2]))
    rest = browser.post("/v1/jobs", json={"target_rows": 5, **body})
    twin = jobs.get(runtime, rest.json()["id"])
    for name in ("filters", "decontamination", "prompts", "options"):
        assert getattr(made, name) == getattr(twin, name), name
    return made


def test_everything_has_a_field_and_the_page_is_light(browser: TestClient) -> None:
    for name in METHODS:
        _has_fields(browser, name)


def _has_fields(browser: TestClient, name: str) -> None:
    text = sent(browser, NEW, {"method": name, "action": "method"}).text
    for each in filters.all_filters():
        assert f'<select id="filters/{each.name}"' in text
        assert all(f'id="filters/{each.name}/{one.name}"' in text for one in each.settings)
    for each in methods.get(name).prompts:
        assert f'<textarea id="prompts/{each.name}"' in text
        assert each.texts["en"].split("\n")[0] in unescape(text)
        assert all(f"{{{{{one}}}}}" in text for one in each.placeholders)
    for one in ("evaluation_set_ids", "ngram", "rouge_l", "action"):
        assert f'id="decontamination/{one}"' in text
    assert len(text.encode()) <= MOST_BYTES


def test_the_default_of_the_profile_is_chosen(browser: TestClient) -> None:
    text = sent(browser, NEW, {"method": "self_instruct", "action": "method"}).text
    assert '<option value="" selected>drop (default)</option>' in text
    assert '<option value="" selected>flag (default)</option>' in text
    fields = {"method": "self_instruct", "profile": "paper", "action": "profile"}
    assert "(default)</option>" not in sent(browser, NEW, fields).text


def test_filters_are_chosen_and_set(
    browser: TestClient, runtime: Runtime, ids: dict[str, str]
) -> None:
    fields = {
        "filters/refusal": "off",
        "filters/link": "flag",
        "filters/link/where": ["", "input", "output"],
        "filters/repetition_loop/times": "4",
        "filters/broken_code/languages": ["", "python", "json"],
        "filters/blacklisted_phrase": "drop",
        "filters/blacklisted_phrase/phrases": "as seen\r\nof course",
        "filters/conflicting_outputs": "off",
        "filters/email_address": "flag",
    }
    body = {
        "refusal": False,
        "link": {"action": "flag", "where": ["input", "output"]},
        "repetition_loop": {"times": 4},
        "blacklisted_phrase": {"phrases": ["as seen", "of course"]},
        "conflicting_outputs": False,
    }
    made = same_as_rest(browser, runtime, {**ids, **fields}, {**ids, "filters": body})
    again, problems = read_job(form_of_job(made))
    assert problems == []
    assert jobs.submit(runtime, again).filters == made.filters
    text = browser.get(f"{NEW}?clone={made.id}").text
    assert 'id="filters/repetition_loop/times" name="filters/repetition_loop/times"' in text
    assert '<details id="filters/repetition_loop/settings" open>' in text


def test_evaluation_sets_are_ticked(
    browser: TestClient,
    runtime: Runtime,
    ids: dict[str, str],
    set_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = EvaluationSetDetails("newer")
    evaluation_sets.add(runtime, other, [b'{"instruction": "Name the hills of Rome."}\n'])
    monkeypatch.setattr(rule_fields, "MOST_SETS_OFFERED", 1)
    assert set_id not in browser.get(NEW).text, "it is an older one"
    shown = browser.get(f"{NEW}?evaluation_set={set_id}").text
    assert f'value="{set_id}" checked>&lt;b&gt;exam' in shown
    fields = {
        "decontamination/evaluation_set_ids": [set_id],
        "decontamination/ngram": "9",
        "decontamination/rouge_l": "null",
        "decontamination/action": "flag",
    }
    body = {"evaluation_set_ids": [set_id], "ngram": 9, "rouge_l": None, "action": "flag"}
    made = same_as_rest(browser, runtime, {**ids, **fields}, {**ids, "decontamination": body})
    again, problems = read_job(form_of_job(made))
    assert problems == []
    assert jobs.submit(runtime, again).decontamination == made.decontamination


def test_prompts_are_worded_anew(
    browser: TestClient, runtime: Runtime, ids: dict[str, str]
) -> None:
    ours = {**ids, "action": "ours/propose", "options/language": "zh"}
    begun = unescape(sent(browser, NEW, ours).text)
    texts = next(each for each in methods.get("self_instruct").prompts if each.name == "propose")
    assert f'spellcheck="false">\n{texts.texts["zh"]}</textarea>' in begun
    fields = {
        "prompts/propose": PROPOSE.replace("\n", "\r\n"),
        "prompts/propose.system": '""',
        "prompts/classify": " \r\n",
    }
    body = {"propose": PROPOSE, "propose.system": ""}
    made = same_as_rest(browser, runtime, {**ids, **fields}, {**ids, "prompts": body})
    assert made.prompts == body
    again, problems = read_job(form_of_job(made))
    assert (problems, again.prompts) == ([], body)
    estimate = sent(browser, f"{NEW}/estimate", {**ids, "target_rows": "5", **fields}).text
    assert "Add tasks to this list:" in estimate


def test_faults_stand_at_their_fields(
    browser: TestClient, ids: dict[str, str], set_id: str
) -> None:
    gone = "0" * 8 + set_id[8:]
    wrong = {
        "filters/empty": "off",
        "filters/link": "sideways",
        "filters/word_count/minimum": "3",
        "filters/repetition_loop/times": "often",
        "filters/conflicting_outputs": "drop",
        "decontamination/evaluation_set_ids": [set_id, gone],
        "decontamination/ngram": "2",
        "prompts/propose": "no tasks here",
        "prompts/classify.system": "{{secret}}",
    }
    text = sent(browser, NEW, {**ids, "target_rows": "5", **wrong}).text
    found = dict(told(text))
    assert found["filters/link"] == "must be drop or flag"
    assert found["filters/word_count"] == "choose drop or flag, or clear its settings"
    assert "integer" in found["filters/repetition_loop/times"]
    assert "of the method alone" in found["filters/conflicting_outputs"]
    assert "neither asked nor compared" in found["filters/empty"]
    assert "from 5 to 50" in found["decontamination/ngram"]
    assert "{{tasks}} must be in it" in found["prompts/propose"]
    assert "{{secret}} is no placeholder" in found["prompts/classify.system"]
    for name in found:
        assert f'href="#{name}"' in text, name
        assert f' id="{name}"' in text, name
    for name in ("filters", "decontamination", "prompts"):
        assert f'<details class="card" id="{name}" open>' in text
    assert '<details class="card" id="own">' in text, "what is right stays closed"


def test_what_is_missing_is_told(browser: TestClient, ids: dict[str, str], set_id: str) -> None:
    gone = "0" * 8 + set_id[8:]
    fields = {**ids, "target_rows": "5", "decontamination/ngram": "9"}
    assert ("decontamination/evaluation_set_ids", "name one or more evaluation sets") in told(
        sent(browser, NEW, fields).text
    )
    named = {**fields, "decontamination/evaluation_set_ids": [set_id, gone]}
    assert ("decontamination/evaluation_set_ids", "there is no such evaluation set") in told(
        sent(browser, NEW, named).text
    )
