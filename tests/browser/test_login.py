"""In by the printed address and by the form, in a real browser, with scripts and without."""

import pytest
from playwright.sync_api import Browser

from app.use_cases import sessions
from tests.browser.conftest import Site
from tests.entry import TOKEN


@pytest.mark.parametrize("scripts", [True, False])
def test_in_and_out(site: Site, chromium: Browser, scripts: bool) -> None:
    context = chromium.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(sessions.login_url(site.runtime, site.url))
    assert page.url == f"{site.url}/dashboard/jobs"
    (cookie,) = context.cookies()
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
    assert site.url.rpartition(":")[2] in cookie.get("name", ""), (
        "services on one machine do not mix"
    )
    page.goto(f"{site.url}/dashboard/access")
    page.get_by_role("button", name="Log out").click()
    assert page.url == f"{site.url}/dashboard/login"
    page.goto(f"{site.url}/dashboard/jobs")
    assert page.url == f"{site.url}/dashboard/login"
    page.get_by_label("Key").fill(TOKEN)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    assert page.url == f"{site.url}/dashboard/jobs"
    context.close()


def test_a_page_of_another_site_presses_no_button(site: Site, chromium: Browser) -> None:
    """Another port of this machine is another origin, though the same site."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(sessions.login_url(site.runtime, site.url))
    form = f'<form method="post" action="{site.url}/dashboard/samples/seeds"><button>x</button>'
    elsewhere = "http://127.0.0.1:9/"
    page.route(elsewhere, lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto(elsewhere)
    with page.expect_response("**/dashboard/samples/seeds") as answer:
        page.get_by_role("button").click()
    assert answer.value.status in {303, 403}
    assert "Refused" in page.content() or "Log in" in page.content()
    page.goto(f"{site.url}/dashboard/seed-sets")
    assert "general" not in page.content(), "nothing was stored"
    context.close()
