"""How many conversations to begin next, and when a job is over: counts in, a decision out.

A target is reached with as few surplus calls as the yields so far allow to foresee.
"""

import math
from dataclasses import dataclass

from app.domain.lifecycle import JobReason

# Before anything is known: a method says how many novel candidates a proposing call brings (three
# in Self-Instruct, which asks for seven and whose published run kept fewer than half), and an
# answer brings one row.
PRIOR_NOVEL_PER_CALL = 3.0
PRIOR_ROWS_PER_ANSWER = 1.0
PRIOR_NOVEL_SHARE = 0.8
ZERO_YIELD_LIMIT = 20
_ANSWERS_TO_LEARN_FROM = 10
_SHARE_BEFORE_LEARNING = 0.25


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job stands, in counts."""

    target_rows: int
    accepted_rows: int
    proposals_begun: int
    proposals_open: int
    answers_begun: int
    answers_open: int
    candidates_waiting: int
    candidates_unanswered: int
    novel: int
    duplicates: int
    parsed: int
    expected_novel: float = PRIOR_NOVEL_PER_CALL

    @property
    def idle(self) -> bool:
        """Nothing is under way, so the next round may be drawn."""
        return not (self.proposals_open or self.answers_open or self.candidates_waiting)

    @property
    def novel_per_proposal(self) -> float:
        done = self.proposals_begun - self.proposals_open
        return max(0.1, (self.novel + self.expected_novel) / (done + 1))

    @property
    def rows_per_answer(self) -> float:
        done = self.answers_begun - self.answers_open
        return max(0.1, (self.accepted_rows + PRIOR_ROWS_PER_ANSWER) / (done + 1))

    @property
    def novel_share(self) -> float:
        judged = self.novel + self.duplicates
        return (self.novel + PRIOR_NOVEL_SHARE) / (judged + 1)


def answers_to_begin(standing: Standing) -> int:
    """How many novel candidates to answer now so that the target is met without surplus."""
    missing = standing.target_rows - standing.accepted_rows
    wanted = math.ceil(missing / standing.rows_per_answer) - standing.answers_open
    done = standing.answers_begun - standing.answers_open
    if done < _ANSWERS_TO_LEARN_FROM:
        # How many rows an answer yields is not known yet: most of the target waits for that.
        share = math.ceil(standing.target_rows * _SHARE_BEFORE_LEARNING)
        wanted = min(wanted, max(_ANSWERS_TO_LEARN_FROM, share) - standing.answers_open)
    return max(0, min(wanted, standing.candidates_unanswered))


def proposals_to_begin(standing: Standing, *, most_open: int) -> int:
    """How many proposing conversations to begin now, at most `most_open` under way.

    Candidates that wait, for admission or for their answer, count as well: there is no use in more
    of them than the teacher can be asked about soon.
    """
    per_answer = standing.rows_per_answer
    per_proposal = standing.novel_per_proposal * per_answer
    foreseen = (
        standing.accepted_rows
        + (standing.answers_open + standing.candidates_unanswered) * per_answer
        + standing.candidates_waiting * standing.novel_share * per_answer
        + standing.proposals_open * per_proposal
    )
    wanted = math.ceil((standing.target_rows - foreseen) / per_proposal)
    backlog = standing.candidates_waiting + standing.candidates_unanswered
    waiting = standing.proposals_open + math.ceil(backlog / max(1.0, standing.novel_per_proposal))
    return max(0, min(wanted, most_open - waiting))


@dataclass(frozen=True, slots=True)
class NoveltyWindow:
    """The newest judged candidates: how many there are, and how many of them were novel."""

    judged: int
    novel: int
    full: int
    floor: float

    @property
    def exhausted(self) -> bool:
        return self.judged >= self.full and self.novel < self.floor * self.judged


def reason_to_end(
    standing: Standing, window: NoveltyWindow, *, calls: int, cap_calls: int, whole_rounds: bool
) -> JobReason | None:
    """Why the job should begin nothing more; None while it should go on.

    A cap of 0 is that of a job that makes no calls. With `whole_rounds` a target counts only once
    the round is over: rows must not depend on which answer came first.
    """
    round_over = standing.idle or not whole_rounds
    if standing.accepted_rows >= standing.target_rows and round_over:
        return JobReason.TARGET_REACHED
    if calls >= cap_calls > 0:
        return JobReason.CALLS_EXHAUSTED
    if window.exhausted and not standing.candidates_unanswered and not standing.answers_open:
        return JobReason.NOVELTY_EXHAUSTED
    proposals_done = standing.proposals_begun - standing.proposals_open
    if proposals_done >= ZERO_YIELD_LIMIT and standing.parsed == 0:
        return JobReason.NO_USABLE_REPLIES
    return None
