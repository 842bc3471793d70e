"""`cultivar teachers`: registered, shown without their key, changed, tried out, removed."""

from collections.abc import Callable

import pytest

from app.runtime import Runtime
from tests.cli.running import CommandLine
from tests.demo_teacher_process import start_demo_teacher

pytestmark = pytest.mark.usefixtures("runtime")

KEY = "sk-canary-9876543210"
ADD = ["teachers", "add", "gardener", "--base-url", "http://127.0.0.1:9/v1", "--model", "rose"]
PRICES = ["--input-price", "0.15", "--output-price", "0.6"]


def test_prices_are_dollars_on_the_way_in(cultivar: CommandLine) -> None:
    added = cultivar(*ADD, *PRICES, "--json").json()
    assert added["input_micro_usd_per_million"] == 150_000
    assert added["output_micro_usd_per_million"] == 600_000
    assert "$0.1500" in cultivar("teachers", "list").text
    assert cultivar(*ADD, "--input-price", "cheap").status == 2
    assert cultivar(*ADD).status == 1  # the name is taken


def test_a_key_goes_in_and_never_comes_out(
    cultivar: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GARDEN_KEY", KEY)
    added = cultivar(*ADD, "--api-key-env", "GARDEN_KEY", "--json")
    assert added.json()["key_last4"] == KEY[-4:]
    shown = [added, cultivar("teachers", "show", "gardener"), cultivar("teachers", "list")]
    shown += [cultivar("teachers", "show", "gardener", "--json")]
    assert all(KEY not in each.text and KEY not in each.errors for each in shown)
    assert all("sealed" not in each.text for each in shown)


def test_a_key_from_a_pipe(cultivar: CommandLine, piped: Callable[[bytes], None]) -> None:
    piped(KEY.encode() + b"\n")
    assert cultivar(*ADD, "--ask-key", "--json").json()["key_last4"] == KEY[-4:]
    cleared = cultivar("teachers", "change", "gardener", "--no-key", "--json").json()
    assert cleared["key_last4"] is None


def test_a_key_is_no_argument(cultivar: CommandLine) -> None:
    assert cultivar(*ADD, "--api-key", KEY).status == 2
    assert cultivar(*ADD, "--api-key-env", "NO_SUCH_VARIABLE").status == 2


def test_changes(cultivar: CommandLine) -> None:
    cultivar(*ADD)
    words = ["--model", "tulip", "--extra-body", '{"top_k": 4}', *PRICES]
    changed = cultivar("teachers", "change", "gardener", *words, "--json").json()
    assert (changed["model"], changed["extra_body"]) == ("tulip", {"top_k": 4})
    assert cultivar("teachers", "change", "gardener").status == 2
    assert cultivar("teachers", "change", "gardener", "--extra-body", "[1]").status == 2
    assert cultivar("teachers", "change", "nobody", "--model", "x").status == 1
    assert cultivar("teachers", "delete", "gardener").status == 0


def test_trying_out(cultivar: CommandLine, runtime: Runtime) -> None:
    cultivar(*ADD)
    failed = cultivar("teachers", "test", "gardener")
    assert failed.status == 1
    assert failed.errors.startswith("error: ")
    with start_demo_teacher() as teacher:
        cultivar("teachers", "change", "gardener", "--base-url", teacher.base_url)
        report = cultivar("teachers", "test", "gardener", "--json").json()
    assert report["elapsed_s"] > 0
