"""Overlaps with evaluation sets: runs of words, ROUGE-L, and what is left alone."""

import pytest

from app.domain.contamination import Decontamination, EvaluationIndex, EvaluationItem, Overlap
from app.domain.filter import Action
from app.domain.filtering import NO_FILTERS
from app.domain.records import Candidate, Instance, Message, Role
from app.domain.sieve import Sieve

LONG = "the quick brown fox jumps over the lazy dog while seven wise owls look on in silence"
WORDS = LONG.split()
CHINESE = "请根据下面的文章写一段不超过一百字的摘要并列出三个关键词"


def index(*items: EvaluationItem, **rules: float | int | None) -> EvaluationIndex:
    found = EvaluationIndex("exam", Decontamination(**rules))  # pyright: ignore[reportArgumentType]
    found.extend(items)
    return found


def overlap(found: EvaluationIndex, instruction: str, given: str = "", output: str = "x") -> str:
    seen = found.overlap(instruction, Instance(given, output))
    return f"{seen.rule} {seen.position}" if seen else ""


@pytest.mark.parametrize("shared", [12, 13, 17])
@pytest.mark.parametrize("part", ["instruction", "input", "output"])
def test_a_run_of_thirteen_words_is_an_overlap(shared: int, part: str) -> None:
    exam = index(EvaluationItem(3, "Sum it up.", LONG, "An owl."), rouge_l=None)
    text = f"Well, {' '.join(WORDS[:shared]).upper()}; and so forth."
    row = {"instruction": "Say.", "given": "", "output": "x"}
    row["given" if part == "input" else part] = text
    assert overlap(exam, **row) == ("ngram_overlap 3" if shared >= 13 else "")


def test_the_answer_of_an_item_counts_and_the_evidence_is_told() -> None:
    exam = index(EvaluationItem(0, "Tell a tale.", "", LONG), ngram=8, rouge_l=None)
    found = exam.overlap("Say.", Instance("", f"So {' '.join(WORDS[2:10])}."))
    assert found is not None
    assert found.evidence == "brown fox jumps over the lazy dog while"


def test_a_run_does_not_reach_from_one_row_of_words_into_a_gap() -> None:
    exam = index(EvaluationItem(0, LONG), rouge_l=None)
    assert overlap(exam, " ".join(WORDS[:9]) + " not " + " ".join(WORDS[9:])) == ""


def test_short_items_count_as_a_whole_down_to_eight_words() -> None:
    eight, seven = " ".join(WORDS[:8]), " ".join(WORDS[:7])
    assert overlap(index(EvaluationItem(1, eight), rouge_l=None), f"Now {eight} again") != ""
    assert overlap(index(EvaluationItem(1, seven), rouge_l=None), f"Now {seven} again") == ""
    assert overlap(index(EvaluationItem(1, seven), ngram=5, rouge_l=None), f"Now {seven}") != ""


def test_chinese_is_compared_by_characters() -> None:
    exam = index(EvaluationItem(2, CHINESE), rouge_l=None)
    assert overlap(exam, f"现在{CHINESE[5:18]}吧") == "ngram_overlap 2"
    assert overlap(exam, f"现在{CHINESE[5:17]}吧") == ""


def test_rouge_l_compares_tasks_with_their_inputs() -> None:
    exam = index(EvaluationItem(4, "Fix the sentence.", "me go home now"), ngram=None)
    assert overlap(exam, "Fix this sentence.", "me go home now") == "rouge_l_overlap 4"
    assert overlap(exam, "Fix the sentence.", "she have three little cats") == ""
    assert overlap(exam, "Fix the sentence.") == ""
    assert exam.shared_run("Fix the sentence. me go home now") is None


def test_positions_are_those_of_the_items_whatever_came_between() -> None:
    exam = EvaluationIndex("exam", Decontamination())
    exam.extend([EvaluationItem(0, "Name a tea."), EvaluationItem(0, "Name a tea.", "green")])
    exam.extend([EvaluationItem(1, "Count the sheep on the hill.")])
    assert overlap(exam, "Count the sheep on a hill.") == "rouge_l_overlap 1"


def test_dialogues_are_read_whole() -> None:
    exam = index(EvaluationItem(0, LONG), rouge_l=None)
    turns = (Message(Role.USER, "Hi"), Message(Role.ASSISTANT, f"So: {LONG}."))
    assert exam.overlap("Hi", Instance("", "Hello", messages=turns)) is not None


class Sets:
    """Two sets, as a job has them."""

    def __init__(self, *indexes: EvaluationIndex) -> None:
        self._indexes = indexes

    def of_row(self, instruction: str, instance: Instance) -> list[Overlap]:
        found = [each.overlap(instruction, instance) for each in self._indexes]
        return [each for each in found if each is not None]

    def of_instruction(self, instruction: str) -> list[Overlap]:
        found = [each.shared_run(instruction) for each in self._indexes]
        return [each for each in found if each is not None]


def test_a_sieve_drops_or_flags_and_says_with_which_set() -> None:
    sets = Sets(index(EvaluationItem(0, LONG)), index(EvaluationItem(7, f"{LONG}!")))
    dropping = Sieve(NO_FILTERS, sets)
    dropped = dropping.row(LONG, Instance("", "x"))
    assert dropped.instance.reasons == ("ngram_overlap",)
    assert [each.position for each in dropped.overlaps] == [0, 7]
    candidate, found = dropping.candidate(Candidate(LONG))
    assert candidate.reasons == ("ngram_overlap",)
    assert len(found) == 2
    flagging = Sieve(NO_FILTERS, sets, Action.FLAG)
    flagged = flagging.row(LONG, Instance("", "x"))
    assert (flagged.instance.reasons, flagged.flags) == ((), ("ngram_overlap",))
    assert flagging.candidate(Candidate(LONG)) == (Candidate(LONG), ())


def test_what_the_filters_dropped_is_not_compared() -> None:
    sieve = Sieve(NO_FILTERS, Sets(index(EvaluationItem(0, LONG))))
    lost = Instance("", "", ("empty_output",))
    assert sieve.row(LONG, lost).overlaps == ()
    assert sieve.candidate(Candidate(LONG, reasons=("too_long",)))[1] == ()
