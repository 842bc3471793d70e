"""What is refused before anything starts, with the line that mends it, and what is started."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.main import main as cultivar
from app.embedded import programs, serve, web
from app.embedded.front import add_options, environment_of, read_front
from app.embedded.migrate import ROOT
from app.embedded.programs import Front

EVERYWHERE = "0.0.0.0"  # noqa: S104 - refused, or never started
REFUSED = [
    (["--host", EVERYWHERE], "--behind-tls-proxy"),
    (["--host", "::"], "--tls-certificate FILE"),
    (["--host", "192.0.2.7", "--no-auth"], "Leave out --no-auth"),
    (["--no-auth", "--behind-tls-proxy"], "Leave out --no-auth"),
    (["--tls-key", "key.pem"], "--tls-certificate and --tls-key go together"),
    (["--tls-certificate", "/no/a.pem", "--tls-key", "/no/b.pem"], "There is no file /no/a.pem"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=lambda value: str(value)[:40])
def test_an_unsafe_start_is_refused_by_every_door(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    for start in (
        lambda: serve.main(["--home", str(home), *words]),
        lambda: web.main(words),
        lambda: cultivar(["serve", "--home", str(home), *words]),
    ):
        assert start() == 2
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert told in said
    assert not home.exists(), "nothing was begun"


def test_as_a_process_too() -> None:
    command = [sys.executable, "-m", "app.embedded.web", "--host", EVERYWHERE]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--host 127.0.0.1" in ended.stderr


def front(*words: str) -> Front:
    """What these words come to."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    return read_front(parser.parse_args(words))


def test_what_is_started_and_what_it_is_told(tmp_path: Path) -> None:
    given = programs.api(8000, front()).arguments
    assert given[given.index("--host") + 1] == "127.0.0.1"
    assert "--no-proxy-headers" in given, "nobody on this machine may say where he comes from"
    assert environment_of(front().posture) == {
        "CULTIVAR_ACCESS": "local",
        "CULTIVAR_BEHIND_TLS_PROXY": "false",
    }
    proxied = front("--host", EVERYWHERE, "--behind-tls-proxy", "--trusted-proxies", "10.0.0.2")
    given = programs.api(8000, proxied).arguments
    assert given[given.index("--forwarded-allow-ips") + 1] == "10.0.0.2"
    assert environment_of(proxied.posture)["CULTIVAR_ACCESS"] == "deployed"
    for name in ("chain.pem", "key.pem"):
        (tmp_path / name).touch()
    chain, key = str(tmp_path / "chain.pem"), str(tmp_path / "key.pem")
    tls = front("--host", EVERYWHERE, "--tls-certificate", chain, "--tls-key", key)
    given = programs.api(8443, tls).arguments
    assert given[given.index("--ssl-certfile") + 1] == chain
    assert environment_of(front("--no-auth").posture)["CULTIVAR_ACCESS"] == "open"
