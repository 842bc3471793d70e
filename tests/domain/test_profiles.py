"""Profiles set options, what is given overrides them, and mistakes are named."""

from app.domain.methods import METHODS
from app.domain.methods.self_instruct import SelfInstruct
from app.domain.profiles import configure


def test_given_options_override_the_profile() -> None:
    method, problems = configure(SelfInstruct, "paper", {"threshold": 0.6})
    assert problems == ()
    assert method is not None
    assert (method.threshold, method.exact_duplicates) == (0.6, False)


def test_an_unknown_profile_is_named_with_the_nearest() -> None:
    method, problems = configure(SelfInstruct, "papers")
    assert method is None
    assert [(each.pointer, each.code) for each in problems] == [("/profile", "unknown_profile")]
    assert "did you mean paper?" in problems[0].detail


def test_an_unknown_option_is_named() -> None:
    method, problems = configure(SelfInstruct, "paper", {"treshold": 0.6}, pointer="/o")
    assert method is None
    assert [(each.pointer, each.code) for each in problems] == [("/o/treshold", "unknown_field")]


def test_every_method_has_a_default_profile() -> None:
    for method in METHODS.values():
        assert configure(method)[1] == ()
