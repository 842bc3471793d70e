"""The command line: every field is a flag, wrong words end with status 2."""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from app.demo_teacher.faults import Fault
from app.demo_teacher.settings import LatencyTail, ScriptKind, Settings, parse_settings


def test_no_words_give_the_defaults() -> None:
    assert parse_settings([]) == Settings()


def test_words_become_values() -> None:
    words = "--script replay --replay propose=a.jsonl --replay answer=b=c.jsonl --seed 3"
    words += " --latency-tail lognormal --faults 429=0.1,refuse=0.5 --parent-death --model m"
    settings = parse_settings(words.split())
    assert settings.script is ScriptKind.REPLAY
    assert settings.replay == (("propose", Path("a.jsonl")), ("answer", Path("b=c.jsonl")))
    assert settings.latency_tail is LatencyTail.LOGNORMAL
    assert settings.faults.rates == {Fault.RATE_LIMITED: 0.1, Fault.REFUSE: 0.5}
    assert settings.parent_death
    assert settings.model == ("m",)


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().seed = 1  # pyright: ignore[reportAttributeAccessIssue]


def test_help_names_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_settings(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for field in fields(Settings):
        assert "--" + field.name.replace("_", "-") in told


@pytest.mark.parametrize(
    "words",
    [
        ["--faults", "nonsense=0.1"],
        ["--faults", "429=often"],
        ["--faults", "429=0.6,500=0.6"],
        ["--faults", "429=2"],
        ["--replay", "propose"],
        ["--duplicate-rate", "1.5"],
        ["--script", "model"],
        ["--nothing"],
    ],
)
def test_wrong_words_end_with_status_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_settings(words)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err
