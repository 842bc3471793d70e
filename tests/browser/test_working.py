"""What people do on the dashboard, in a real browser: without scripts too, or by keyboard alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.domain.lifecycle import JobState
from app.runtime import Runtime
from app.use_cases import exports, jobs, reviews, seed_sets, sessions, teachers
from app.use_cases.estimates import of_job
from app.use_cases.jobs import JobDetails
from app.use_cases.reviews import ReviewDetails
from tests.api.stored_job import KEY, stored_job, stored_seed_set, stored_teacher
from tests.browser.conftest import Site, served, watched_page
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import running_runtime


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    """A demo teacher for the whole module."""
    with start_demo_teacher(latency_s=0.0) as running:
        yield running


@pytest.fixture
def trial(database_url: str, tmp_path: Path, teacher: RunningTeacher) -> Iterator[Site]:
    """A new site that offers the demo teacher."""
    demo = {"demo_teacher_url": teacher.base_url}
    with running_runtime(database_url, tmp_path / "home", **demo) as found, served(found) as site:
        yield site


def newest_job(runtime: Runtime) -> JobDetails:
    """What the newest job was asked to be."""
    job = jobs.page(runtime, limit=1).items[0].job
    names = ("seed_set_id", "teacher_id", "target_rows", "name", "method", "profile", "random_seed")
    return JobDetails(
        **{name: getattr(job, name) for name in names}, cap_micro_usd=job.cap_micro_usd
    )


def press(page: Page, name: str) -> None:
    """Reach a button or link by Tab alone and press Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.textContent.trim()")
        if focused == name:
            page.keyboard.press("Enter")
            page.wait_for_load_state()
            return
    raise AssertionError(f"{name} cannot be reached by keyboard")


def test_a_new_user_gets_to_a_job_by_keyboard_in_three_steps(
    trial: Site, chromium: Browser
) -> None:
    with watched_page(chromium, home=trial.url) as (page, complaints):
        page.goto(trial.url)
        press(page, "Use the sample")
        expect(page.locator(".step.done")).to_have_count(1)
        press(page, "Use the demo teacher")
        expect(page.locator(".step.done")).to_have_count(2)
        press(page, "Start the sample job")
        expect(page.locator("h1")).to_have_text("first job")
        press(page, "Pause")
        expect(page.locator(".state").first).to_have_text("paused")
        assert complaints == []
    found = jobs.page(trial.runtime).items[0].job
    assert (found.state, found.simulated, found.target_rows) == (JobState.PAUSED, True, 200)


def test_the_first_link_leads_past_the_navigation(trial: Site, chromium: Browser) -> None:
    with watched_page(chromium) as (page, _):
        page.goto(trial.url)
        press(page, "Skip to the content")
        press(page, "New job")
        expect(page.locator("h1")).to_have_text("New job")


def test_a_job_is_described_and_started_without_scripts(site: Site, chromium: Browser) -> None:
    seed_set_id, teacher_id = stored_seed_set(site.runtime), stored_teacher(site.runtime)
    with watched_page(chromium, scripts=False) as (page, complaints):
        page.goto(f"{site.url}/dashboard/jobs/new")
        page.get_by_label("Seed set").select_option(str(seed_set_id))
        page.get_by_label("Teacher").select_option(str(teacher_id))
        page.get_by_label("Rows", exact=True).fill("30")
        page.get_by_label("Method", exact=True).select_option("evol_instruct")
        page.get_by_role("button", name="Show its options").click()
        page.get_by_label("rounds").fill("50")
        page.get_by_label("Budget").fill("lots")
        page.get_by_role("button", name="Start the job").last.click()
        expect(page.locator("[id='options/rounds-error']")).to_have_text(
            "must be from 1 to 20, not 50"
        )
        expect(page.locator("#cap_micro_usd-error")).to_contain_text("such as 0.15")
        assert page.get_by_label("Rows", exact=True).input_value() == "30", "what was typed stays"
        page.get_by_label("rounds").fill("2")
        page.get_by_label("Budget").fill("2.50")
        page.get_by_role("button", name="Estimate").click()
        expect(page.locator("#estimate")).to_contain_text("at most")
        page.locator("#estimate-prompt summary").click()
        details = JobDetails(
            seed_set_id, teacher_id, 30, method="evol_instruct", options={"rounds": 2}
        )
        prompt = of_job(site.runtime, details).first_prompt
        assert prompt is not None
        expect(page.locator("#estimate-prompt pre").last).to_have_text(prompt.text)
        page.get_by_role("button", name="Start the job").last.click()
        expect(page.locator("h1")).to_contain_text("evol_instruct")
        assert [each for each in complaints if "422" not in each] == []
    found = newest_job(site.runtime)
    assert (found.method, found.target_rows, found.cap_micro_usd) == (
        "evol_instruct",
        30,
        2_500_000,
    )


def test_the_estimate_follows_what_is_typed(site: Site, chromium: Browser) -> None:
    seed_set_id, teacher_id = stored_seed_set(site.runtime), stored_teacher(site.runtime)
    with watched_page(chromium, home=site.url) as (page, complaints):
        page.goto(f"{site.url}/dashboard/jobs/new?seed_set={seed_set_id}&teacher={teacher_id}")
        rows = page.locator("#estimate dd").first
        expect(rows).to_have_text("200")
        page.get_by_label("Rows", exact=True).fill("70")
        expect(rows).to_have_text("70")
        page.get_by_label("Rows", exact=True).fill("many")
        expect(page.locator("#estimate")).to_contain_text("target rows must be an integer")
        page.get_by_label("Method", exact=True).select_option("magpie")
        expect(page.locator("summary", has_text="options of magpie")).to_be_visible()
        assert page.get_by_label("Rows", exact=True).input_value() == "many"
        assert complaints == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_file_is_uploaded_and_its_bad_lines_are_named(
    site: Site, chromium: Browser, tmp_path: Path, scripts: bool
) -> None:
    bad = tmp_path / "garden.jsonl"
    bad.write_text('{"instruction": "Plant."}\n{"instruction": 5}\nno json <b>\n')
    good = tmp_path / "good.jsonl"
    good.write_text('{"instruction": "Plant a tree."}\n')
    with watched_page(chromium, scripts=scripts, home=site.url) as (page, complaints):
        page.goto(f"{site.url}/dashboard/seed-sets")
        page.get_by_label("Licence").fill("CC0-1.0")
        page.get_by_label("File").set_input_files(bad)
        page.get_by_role("button", name="Upload").click()
        lines = page.locator("#bad-lines ~ *, .things tbody tr")
        expect(page.locator(".things tbody tr")).to_have_count(2)
        assert [each.split()[0].split(":")[0] for each in lines.all_inner_texts()[-2:]] == [
            "2",
            "3",
        ]
        expect(page.locator(".things")).to_contain_text("no json <b>")
        assert page.get_by_label("Licence").input_value() == "CC0-1.0"
        page.get_by_label("File").set_input_files(good)
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("h1")).to_have_text("good")
        assert [each for each in complaints if "422" not in each] == []
    added = seed_sets.page(site.runtime).items[0]
    assert (added.name, added.licence, added.row_count) == ("good", "CC0-1.0", 1)


def test_an_upload_tells_how_far_it_is(site: Site, chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "large.jsonl"
    lines = [json.dumps({"instruction": f"{at} " + "x" * 1000}) for at in range(2000)]
    file.write_text("\n".join(lines))
    with watched_page(chromium) as (page, _):
        page.goto(f"{site.url}/dashboard/seed-sets")
        slow = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": 3_000_000}
        session = page.context.new_cdp_session(page)
        session.send("Network.emulateNetworkConditions", {"offline": False, **slow})
        page.evaluate(
            """() => {
                const told = [];
                const said = document.getElementById("upload-said");
                new MutationObserver(() => told.push(said.textContent))
                    .observe(said, { childList: true });
                addEventListener("beforeunload",
                    () => sessionStorage.setItem("told", JSON.stringify(told)));
            }"""
        )
        page.get_by_label("File").set_input_files(file)
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("h1")).to_have_text("large")
        told = json.loads(page.evaluate("sessionStorage.getItem('told')"))
    assert any("% sent" in each for each in told)
    assert "sent; it is being read" in told


def test_a_teacher_is_added_tried_and_changed(
    site: Site, chromium: Browser, teacher: RunningTeacher
) -> None:
    with watched_page(chromium, scripts=False) as (page, complaints):
        page.goto(f"{site.url}/dashboard/teachers/new")
        page.get_by_role("button", name="Add the teacher").click()
        expect(page.locator("#name-error")).to_have_text("must not be blank")
        page.get_by_label("Name").fill("rose")
        page.get_by_label("Base URL").fill(teacher.base_url)
        page.get_by_label("Model").fill("demo")
        page.get_by_label("Key").fill(KEY)
        page.get_by_label("Input price", exact=True).fill("0.15")
        page.get_by_role("button", name="Add the teacher").click()
        expect(page.locator("h1")).to_have_text("rose")
        assert KEY not in page.content()
        page.get_by_role("button", name="Test it").click()
        expect(page.locator(".note.good")).to_contain_text("It answers.")
        page.get_by_role("link", name="Change").click()
        assert KEY not in page.content()
        page.get_by_label("Calls at once").fill("7")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".facts").first).to_contain_text("7")
        assert [each for each in complaints if "422" not in each] == []
    found = teachers.page(site.runtime).items[0]
    assert (found.max_concurrency, found.input_micro_usd_per_million) == (7, 150_000)
    assert found.key_last4 == KEY[-4:], "the key that was not typed again is kept"


def test_an_export_is_asked_for_followed_and_fetched(
    site: Site, chromium: Browser, tmp_path: Path
) -> None:
    job = stored_job(site.runtime).job
    with watched_page(chromium, accept_downloads=True) as (page, complaints):
        page.goto(sessions.login_url(site.runtime, site.url))  # downloads bring cookies alone
        page.goto(f"{site.url}/dashboard/jobs/{job.id}")
        page.locator("#export").click()
        page.get_by_label("Format").select_option("sharegpt")
        page.get_by_role("button", name="Make the export").click()
        expect(page.locator(".state").first).to_have_text("queued")
        exports.make(site.runtime, exports.page(site.runtime).items[0].id)
        expect(page.locator(".state").first).to_have_text("ready", timeout=8000)
        expect(page.locator("#live pre")).to_contain_text("license")
        made = exports.page(site.runtime).items[0]
        expect(page.locator("code").first).to_have_text(made.sha256 or "")
        with page.expect_download() as fetched:
            page.get_by_role("link", name="Download the file").click()
        fetched.value.save_as(tmp_path / "file")
        assert complaints == []
    assert (tmp_path / "file").read_bytes() == exports.file(site.runtime, made.id)[1].read_bytes()
    assert made.format == "sharegpt"


def test_rows_are_searched_and_walked_back(site: Site, chromium: Browser) -> None:
    stored = stored_job(site.runtime)
    with watched_page(chromium, scripts=False) as (page, complaints):
        page.goto(f"{site.url}/dashboard/rows")
        expect(page.locator(".rows li")).to_have_count(3)
        page.get_by_label("Holds the text").fill("TREE number 1")
        page.get_by_role("button", name="Show").click()
        expect(page.locator(".rows li")).to_have_count(1)
        page.get_by_label("Holds the text").fill("")
        page.get_by_label("Rows", exact=True).select_option("rejected")
        page.get_by_label("Dropped for").select_option("empty_output")
        page.get_by_role("button", name="Show").click()
        expect(page.locator(".rows li")).to_contain_text("empty output")
        page.goto(f"{site.url}/dashboard/rows/{stored.row_ids[0]}")
        expect(page.locator("main")).to_contain_text("Come up with tasks.")
        expect(page.locator("main")).to_contain_text("gardener-1")
        assert complaints == []


def test_a_cap_is_raised_and_a_job_is_cloned(site: Site, chromium: Browser) -> None:
    first = jobs.submit(
        site.runtime,
        replace(
            JobDetails(stored_seed_set(site.runtime), stored_teacher(site.runtime), 9),
            options={"new_instructions": 3},
            cap_micro_usd=1_000_000,
        ),
    )
    with watched_page(chromium) as (page, complaints):
        page.goto(f"{site.url}/dashboard/jobs/{first.id}")
        page.get_by_role("link", name="Caps and target").click()
        page.get_by_label("Budget").fill("-1")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#cap_micro_usd-error")).to_contain_text("must be from 0")
        page.get_by_label("Budget").fill("3")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#live")).to_contain_text("of $3.0000")
        page.get_by_role("link", name="Clone").click()
        page.get_by_role("button", name="Start the job").last.click()
        expect(page.locator(".state").first).to_have_text("queued")
        assert [each for each in complaints if "422" not in each] == []
    second = jobs.page(site.runtime).items[0].job
    assert second.id != first.id
    same = ("seed_set_id", "teacher_id", "options", "target_rows", "random_seed", "method")
    assert [getattr(second, name) for name in same] == [getattr(first, name) for name in same]


def test_rows_are_reviewed_by_keys_alone(site: Site, chromium: Browser) -> None:
    stored = stored_job(site.runtime, row_count=3, target_rows=3)
    review = reviews.start(site.runtime, ReviewDetails(stored.job.id, reviewer="Ann")).review.id
    with watched_page(chromium, home=site.url) as (page, complaints):
        page.goto(f"{site.url}/dashboard/reviews/{review}/next")
        expect(page.locator("h1")).to_have_text("Row 1 of 3")
        page.keyboard.press("j")
        expect(page.locator("h1")).to_have_text("Row 2 of 3")
        page.keyboard.press("k")
        expect(page.locator("h1")).to_have_text("Row 1 of 3")
        page.keyboard.press("a")
        expect(page.locator("h1")).to_have_text("Row 2 of 3")
        expect(page.locator(".beside")).to_contain_text("100.0 %")
        page.keyboard.press("d")
        expect(page.locator("#reasons-error")).to_contain_text("at least one reason")
        page.keyboard.press("5")
        expect(page.locator("[value=wrong_output]")).to_be_checked()
        page.keyboard.press("e")
        expect(page.locator("#instruction")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Control+A")
        page.keyboard.type("add a jar")
        page.keyboard.press("Escape")
        page.keyboard.press("s")
        expect(page.locator("h1")).to_have_text("Row 3 of 3")
        page.keyboard.press("7")
        page.keyboard.press("d")
        expect(page.locator(".big")).to_have_text("3 of 3 rows judged")
        assert [each for each in complaints if "422" not in each] == []
    found = reviews.page_rows(site.runtime, review).items
    assert [each.decision and each.decision.verdict for each in found] == [
        "kept",
        "edited",
        "dropped",
    ]
    assert found[1].row.output == "add a jar", "letters that are typed press nothing"
