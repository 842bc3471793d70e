"""Rows of other jobs scored by a judge: on a rubric of named criteria, or by a reward model.

Every row is shown as it is, once for each sample. What the judge says is kept as scores of the row
judged (in the manner of MT-Bench's single-answer grading, Zheng et al. 2023, arXiv:2306.05685);
nothing is dropped from the job that made it.
"""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from app.domain.judging import (
    BELOW_SCORE,
    NOT_JUDGED,
    SCORE,
    SCORES,
    Criterion,
    Judgement,
    read_criteria,
)
from app.domain.language import Language
from app.domain.method import Conversation, Decoding, Prompt, Rated
from app.domain.options import option
from app.domain.parsing.scores import read_rewards, read_scores
from app.domain.records import Answer, Candidate, Instance, Role
from app.domain.rows_of_jobs import RowsOfJobs
from app.domain.spoken import SpokenMethod

NAME = "judge"
RUBRIC_STEP, REWARD_STEP = "rubric", "reward"
REWARD_VERSION = "judge/reward@1"


class Scorer(StrEnum):
    """What the judge is: a teacher that follows a rubric, or a reward model."""

    RUBRIC = "rubric"
    REWARD = "reward"


_OURS: Mapping[Language, Sequence[Criterion]] = {
    Language.ENGLISH: (
        Criterion("instruction", "the request is clear, makes sense and can be answered"),
        Criterion("correctness", "what the answer says is right, and it follows from the request"),
        Criterion("completeness", "all that was asked for is there"),
        Criterion("clarity", "it is well ordered, to the point and in fit words"),
    ),
    Language.CHINESE: (
        Criterion("instruction", "请求清楚、合理，并且可以回答"),
        Criterion("correctness", "回答的内容正确，并且切合请求"),
        Criterion("completeness", "请求的各项要求都得到了满足"),
        Criterion("clarity", "条理清楚、切题、用词恰当"),
    ),
}
_SPEAKERS = {
    Language.ENGLISH: {Role.USER: "User: ", Role.ASSISTANT: "Assistant: "},
    Language.CHINESE: {Role.USER: "用户：", Role.ASSISTANT: "助手："},
}


@dataclass(frozen=True, kw_only=True)
class JudgeRows(RowsOfJobs, SpokenMethod):
    """The rows of a judging job are those that were judged, with their scores as facts.

    Nothing is compared: every row of the sources is judged, like another or not.
    """

    threshold: float = option(
        1.0,
        "drop an instruction whose ROUGE-L F to any earlier one is above; 1 drops none",
        minimum=0.3,
        maximum=1.0,
    )
    exact_duplicates: bool = option(
        False,
        "drop instructions equal to an earlier one after normalisation, before ROUGE-L",
    )
    novelty_floor: float = option(
        0.0, "stop when the share of novel candidates falls below", minimum=0.0, maximum=1.0
    )
    check_language: bool = option(False, "drop judged rows that are in another language")
    scorer: Scorer = option(
        Scorer.RUBRIC,
        "rubric: a teacher scores by criteria; reward: a reward model scores the answer",
    )
    criteria: tuple[str, ...] = option(
        (), "what is scored, each as `name: what it asks`; none is our rubric"
    )
    lowest: int = option(1, "the poorest score of the rubric", minimum=0, maximum=99)
    highest: int = option(5, "the best score of the rubric", minimum=1, maximum=100)
    samples: int = option(
        1, "times that each row is scored; agreement is told from two on", minimum=1, maximum=10
    )
    min_score: float | None = option(
        None,
        "leave rows with a lower mean out of this job's own rows; those judged stay untouched",
    )
    temperature: float | None = option(0.3, "temperature of the judge", minimum=0, maximum=2)
    top_p: float | None = option(None, "top_p of the judge", minimum=0, maximum=1)
    max_tokens: int = option(512, "tokens at most in a judgement", minimum=1, maximum=1_000_000)
    separator: str = option("\n\n", "what stands between an instruction and its input")
    send_seed: bool = option(
        False, "number the samples in the request's seed, for services that can repeat a draw"
    )

    DRAWS_RUNNING: ClassVar[bool] = True

    @property
    def rubric(self) -> Sequence[Criterion]:
        """What is scored; raises BadCriteria."""
        return read_criteria(self.criteria) or _OURS[self.language]

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """Every row with what the judge said of it."""
        judged: list[Instance] = []
        for row in candidate.instances:
            judged.append((yield from self._judged(candidate.instruction, row)))
        return Answer(tuple(judged), candidate.is_classification)

    def _judged(self, instruction: str, row: Instance) -> Conversation[Instance]:
        # Of a row that was judged before, what was said then stays with that judging.
        came = {name: fact for name, fact in row.facts.items() if name not in (SCORE, SCORES)}
        scores: dict[str, list[float]] = {}
        for sample in range(self.samples):
            completion = yield self._prompt(instruction, row, sample)
            found = self._read(completion.text)
            # Reward models may name what they score; every sample of a row must name the same.
            if found is not None and (not scores or found.keys() == scores.keys()):
                for name, value in found.items():
                    scores.setdefault(name, []).append(value)
        if not scores:
            return replace(row, facts=came, reasons=(NOT_JUDGED,))
        judgement = Judgement(scores)
        low = self.min_score is not None and judgement.overall < self.min_score
        facts = {**came, **judgement.facts()}
        return replace(row, facts=facts, reasons=(BELOW_SCORE,) if low else ())

    def _read(self, reply: str) -> Mapping[str, float] | None:
        if self.scorer is Scorer.REWARD:
            return read_rewards(reply)
        names = [each.name for each in self.rubric]
        return read_scores(reply, names, self.lowest, self.highest)

    def _prompt(self, instruction: str, row: Instance, sample: int) -> Prompt:
        seed = sample if self.send_seed else None
        decoding = Decoding(self.max_tokens, self.temperature, self.top_p, seed=seed)
        task, answer = self._shown(instruction, row)
        if self.scorer is Scorer.REWARD:
            rated = Rated(instruction, row.input, answer)
            return Prompt(REWARD_STEP, task, decoding, REWARD_VERSION, rated=rated)
        values = {
            "criteria": "\n".join(each.line() for each in self.rubric),
            "lowest": str(self.lowest),
            "highest": str(self.highest),
            "task": task,
            "answer": answer,
        }
        return self.ask(RUBRIC_STEP, self.file(NAME, RUBRIC_STEP), values, decoding)

    def _shown(self, instruction: str, row: Instance) -> tuple[str, str]:
        """What was asked, and the answer; of a dialogue all up to the last answer, and that."""
        if not row.messages:
            whole = f"{instruction}{self.separator}{row.input}"
            return (whole if row.input.strip() else instruction), row.output
        said = list(row.messages)
        answer = said.pop().content if said[-1].role is Role.ASSISTANT else ""
        speakers = _SPEAKERS[self.language]
        return "\n\n".join(speakers[each.role] + each.content for each in said), answer
