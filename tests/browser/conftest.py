"""A site with the dashboard on a real port, and a real Chromium that looks at it."""

import os
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright

from app.main import build_app
from app.runtime import Runtime
from tests.driving import running_runtime
from tests.entry import WITH_TOKEN
from tests.servers import TestPostgres

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the browser, and skip it by name where there is none."""
    missing = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM}")
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            item.add_marker(missing)


@dataclass
class Site:
    """The application on a real port, which can be stopped and started again."""

    runtime: Runtime
    port: int
    server: uvicorn.Server | None = None
    thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            build_app(self.runtime), port=self.port, log_level="critical", ws="none"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.01)

    def stop(self) -> None:
        if self.server is not None and self.thread is not None:
            self.server.should_exit = self.server.force_exit = True
            self.thread.join()
            self.server = None


@contextmanager
def served(runtime: Runtime) -> Iterator[Site]:
    """A site over a runtime."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site = Site(runtime, port)
    site.start()
    try:
        yield site
    finally:
        site.stop()


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """A site with a database of its own."""
    with running_runtime(database_url, tmp_path / "home") as runtime, served(runtime) as found:
        yield found


@pytest.fixture(scope="module")
def module_database_url(postgres_server: TestPostgres, template_database: str) -> Iterator[str]:
    """A database for all tests of a module, which only look."""
    name = f"cultivar_test_{uuid.uuid4().hex}"
    yield postgres_server.create(name, template_database)
    postgres_server.drop(name)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def watched_page(
    chromium: Browser, *, scripts: bool = True, home: str = "", **options: Any
) -> Iterator[tuple[Page, list[str]]]:
    """A page and its complaints; with `home` a request to anywhere else is one of them."""
    context = chromium.new_context(
        java_script_enabled=scripts, extra_http_headers=WITH_TOKEN, **options
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def heard(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def asked(request: Request) -> None:
        if home and not request.url.startswith(home):
            complaints.append(f"request: {request.url}")

    page.on("dialog", heard)
    page.on("request", asked)
    yield page, complaints
    context.close()
