"""What a job says about filters: how it is read, what it stores, and what becomes of rows."""

import pytest

from app.domain.filter import Action
from app.domain.filtering import NAMES, JobFilters, build, described, resolve
from app.domain.methods import METHODS
from app.domain.profiles import DEFAULT_FILTERS
from app.domain.records import Candidate, Instance
from app.domain.sieve import Sieve

SORRY = Instance("", "I'm sorry, but I can't help with that.")


def filters(defaults: dict[str, Action] | None = None, **given: object) -> JobFilters:
    stored, problems = resolve(defaults or {}, given)
    assert stored is not None, problems
    found, problems = build(stored)
    assert found is not None, problems
    return found


def test_nothing_is_done_unless_it_is_asked_for() -> None:
    assert resolve({}, {}) == ({}, ())
    instance = Instance("", "", ("empty_output",))
    judged = JobFilters().judge("Say it.", instance)
    assert judged.instance is instance
    assert judged.flags == ()
    candidate = Candidate("", reasons=("empty",))
    assert JobFilters().judge_candidate(candidate) is candidate


def test_what_is_stored_holds_every_setting() -> None:
    stored, _ = resolve({"refusal": Action.DROP}, {"repetition_loop": "flag"})
    assert stored == {
        "refusal": {"action": "drop", "spare_tasks_of_refusing": True},
        "repetition_loop": {"action": "flag", "times": 5, "least_tokens": 30},
    }


@pytest.mark.parametrize(
    ("said", "action"),
    [
        (True, "flag"),
        ("drop", "drop"),
        ("flag", "flag"),
        ({}, "flag"),
        ({"action": "drop"}, "drop"),
    ],
)
def test_each_way_to_say_it(said: object, action: str) -> None:
    stored, problems = resolve({"no_input": Action.FLAG}, {"no_input": said})
    assert (stored, problems) == ({"no_input": {"action": action}}, ())


@pytest.mark.parametrize(
    ("given", "pointer", "code", "says"),
    [
        ({"refussal": True}, "/refussal", "unknown_filter", "refusal"),
        ({"refusal": 7}, "/refusal", "wrong_type", "drop, flag"),
        ({"refusal": "keep"}, "/refusal/action", "wrong_type", "drop or flag"),
        ({"refusal": {"action": 1}}, "/refusal/action", "wrong_type", "drop or flag"),
        ({"refusal": {"actoin": "flag"}}, "/refusal/actoin", "unknown_field", "actoin"),
        ({"word_count": {"minimum": -1}}, "/word_count/minimum", "out_of_range", "from 0"),
        ({"empty": False}, "/empty", "conflicting_options", "without text"),
        ({"too_many_instances": True}, "/too_many_instances", "conflicting_options", "method"),
    ],
)
def test_a_fault_is_named(given: dict[str, object], pointer: str, code: str, says: str) -> None:
    stored, (problem,) = resolve({}, given)
    assert stored is None
    assert (problem.pointer, problem.code) == (f"/filters{pointer}", code)
    assert says in problem.detail


def test_all_faults_are_named_at_once() -> None:
    assert len(resolve({}, {"a": True, "refusal": 1, "link": {"where": ["x"]}})[1]) == 3


def test_what_another_version_stored_is_not_guessed_at() -> None:
    assert build({"gone": {"action": "drop"}})[1][0].code == "unknown_filter"
    assert build({"refusal": {"action": "drop", "gone": 1}})[1][0].code == "unknown_field"


def test_a_row_is_dropped_or_only_flagged() -> None:
    dropped = filters(refusal=True, truncated_answer="flag").judge("Say it.", SORRY)
    assert dropped.instance.reasons == ("refusal",)
    flagged = filters(refusal="flag").judge("Say it.", SORRY)
    assert (flagged.instance, flagged.flags) == (SORRY, ("refusal",))


def test_what_the_method_dropped_stays_dropped() -> None:
    lost = Instance("", "", ("cut_by_length", "empty_output"))
    judged = filters(refusal=True, empty_output=False).judge("Say it.", lost)
    assert judged.instance.reasons == ("cut_by_length",)


def test_a_rule_of_the_method_can_be_switched_off_or_told_otherwise() -> None:
    short = Candidate("Say it.", reasons=("too_short",))
    assert filters(word_count=False).judge_candidate(short).reasons == ()
    assert filters(word_count={"minimum": 2}).judge_candidate(short).reasons == ()
    assert filters(word_count={"minimum": 3}).judge_candidate(short).reasons == ("too_short",)
    conflicting = Instance("a", "b", ("conflicting_outputs",))
    judged = filters(conflicting_outputs=False).judge("Say it.", conflicting)
    assert judged.instance.reasons == ()


def test_an_instruction_is_dropped_before_its_answer_unless_it_is_only_flagged() -> None:
    candidate = Candidate("Sketch a cat that sleeps.")
    assert filters(image_request=True).judge_candidate(candidate).reasons == ("image_request",)
    flagging = filters(image_request="flag")
    assert not flagging.judge_candidate(candidate).dropped
    assert flagging.judge(candidate.instruction, Instance("", "x")).flags == ("image_request",)
    late = filters(image_request=True).at_once()
    assert late.judge(candidate.instruction, Instance("", "x")).instance.dropped


def test_published_profiles_have_no_filters_but_their_methods_own() -> None:
    for method in METHODS.values():
        assert set(method.FILTERS) <= {"default"}, method
        assert all(set(on) <= set(NAMES) for on in method.FILTERS.values())
    assert METHODS["self_instruct"].FILTERS["default"] == DEFAULT_FILTERS


def test_every_filter_tells_what_it_is_and_where_it_comes_from() -> None:
    for each in described():
        assert each.summary.endswith("."), each
        assert each.source, each
        assert all(setting.help for setting in each.settings if each.name != "wrong_language")


def test_a_sieve_without_anything_lets_everything_pass() -> None:
    candidate, instance = Candidate("Say it."), Instance("", "It.")
    assert Sieve().candidate(candidate) == (candidate, ())
    assert Sieve().row("Say it.", instance).instance is instance
