"""A command line, without a service and with one."""

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.runtime import Runtime, build_runtime
from app.settings import Settings
from tests.cli.running import CommandLine


@pytest.fixture
def cultivar(capsysbinary: pytest.CaptureFixture[bytes]) -> CommandLine:
    """Runs commands in this process."""
    return CommandLine(capsysbinary)


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Puts bytes on standard input."""

    def pipe(content: bytes) -> None:
        buffer = io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]
        text = io.TextIOWrapper(io.BytesIO(content))
        stdin = SimpleNamespace(buffer=buffer, isatty=lambda: False, readline=text.readline)
        monkeypatch.setattr(sys, "stdin", stdin)

    return pipe


@pytest.fixture
def runtime(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """A runtime on the service that the command line finds by its variables."""
    home = tmp_path / "home"
    monkeypatch.setenv("CULTIVAR_DATABASE_URL", database_url)
    monkeypatch.setenv("CULTIVAR_HOME", str(home))
    monkeypatch.delenv("CULTIVAR_REDIS_URL", raising=False)
    built = build_runtime(Settings())
    yield built
    built.close()
