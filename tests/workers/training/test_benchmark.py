"""The benchmark of training goes through on a CPU: every arm, the same rows, the same losses."""

import json

import pytest

from benchmarks.train import (
    ARMS,
    GOALS,
    SHAPES,
    ArmFailed,
    Measured,
    in_process_of_its_own,
    main,
    matmul_parameters,
    measure_all,
    rows_of,
    summary,
)


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_every_arm_trains_and_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--tiny", "--steps", "1", "--repeats", "1"])
    *table, last = capsys.readouterr().out.splitlines()
    result = json.loads(last)
    assert list(result["arms"]) == list(ARMS)
    assert [line.split()[0] for line in table[-len(ARMS) :]] == list(ARMS)
    for name, each in result["arms"].items():
        assert each["tokens_s"] > each["learnt_tokens_s"] > 0
        assert (each["fill"] > 0.9) == ARMS[name].packed, name
    assert result["largest_loss_difference"] < 1e-3
    assert set(result["ours_against"]) == {"hf_pad8", "hf_pad16", "trl_pad8", "trl_pack"}


def test_shapes_are_those_that_they_are_called_by() -> None:
    assert matmul_parameters(SHAPES["8b"]) == pytest.approx(7.505e9, rel=1e-3)
    assert matmul_parameters(SHAPES["1b"]) == pytest.approx(1.236e9, rel=1e-3)


def test_rows_are_as_long_as_alpacas() -> None:
    lengths = [len(each.ids) for each in rows_of(SHAPES["8b"], 4000)]
    assert sum(lengths) / len(lengths) == pytest.approx(96, rel=0.05)
    assert max(lengths) <= SHAPES["8b"].length


def measured(arm: str, left_s: float | None = None) -> Measured:
    if arm == "trl_pack":
        raise ArmFailed("CUDA out of memory")
    return Measured(arm, 600.0 if arm == "ours" else 200.0, 100.0, 0.9, None, [1.0])


def test_an_arm_that_fails_does_not_cost_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    found, failed = measure_all(GOALS[:3], measured, None)
    assert ([each.arm for each in found], failed) == (
        ["ours", "hf_pad8"],
        {"trl_pack": "CUDA out of memory"},
    )
    assert "trl_pack failed" in capsys.readouterr().err
    result = summary(SHAPES["8b"], found, 1e15)
    assert result["ours_against"] == {"hf_pad8": 3.0}
    assert result["largest_loss_difference"] is None
    assert summary(SHAPES["8b"], [], 1e15)["ours_against"] == {}


def test_nothing_is_begun_when_the_time_is_up() -> None:
    found, failed = measure_all(["ours"], measured, 0.0)
    assert (found, failed) == ([], {"ours": "the time was up"})
    with pytest.raises(ArmFailed, match="time was up"):
        in_process_of_its_own("ours", "tiny", 1, 0.05)


def test_the_goals_arms_are_there() -> None:
    assert {"hf_pad8", "trl_pack", "ours"} <= set(GOALS) <= set(ARMS)
