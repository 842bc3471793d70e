"""What a model is asked: answers alike however they are batched, and what is said of them."""

from dataclasses import asdict, replace
from json import dumps, loads
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.domain.training_config import TrainingConfig
from app.domain.tuning import Tuning
from workers.training.answers import Answer, Answering, answer
from workers.training.data import Encoded
from workers.training.evaluate import Loss, completion_loss
from workers.training.exam import Exam, Findings, form, losses, questions_of, verdict
from workers.training.neutral_text import neutral_rows
from workers.training.overlap import RUN, overlapping
from workers.training.tuning import TUNERS


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> Any:
    return AutoTokenizer.from_pretrained(base)


def encoded(tokenizer: Any, prompt: str, completion: str, **more: Any) -> Encoded:
    ids, end = tokenizer(prompt)["input_ids"], tokenizer.eos_token_id
    return Encoded([*ids, *tokenizer(completion)["input_ids"], end], len(ids), **more)


def silent() -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def asked(tokenizer: Any) -> list[Encoded]:
    prompts = ("name the colours", "sort", "write the stories in red", "count a number of words")
    return [encoded(tokenizer, each, "red and blue", id=each) for each in prompts]


def test_padded_answers_are_those_of_prompts_alone(
    base: Path, tokenizer: Any, asked: list[Encoded]
) -> None:
    model = AutoModelForCausalLM.from_pretrained(base)
    how = Answering(tokenizer, 12, 256, padded=True)
    together = answer(model, asked, how, silent)
    alone = answer(model, asked, replace(how, padded=False), silent)
    assert together == alone
    assert len({each.text for each in together}) > 1


@pytest.mark.parametrize("method", [Tuning.PROMPT, Tuning.PREFIX, Tuning.LORA, Tuning.HOULSBY])
def test_every_kind_of_method_answers(
    method: Tuning, base: Path, tokenizer: Any, asked: list[Encoded]
) -> None:
    model = AutoModelForCausalLM.from_pretrained(base)
    how = Answering(tokenizer, 6, 236, padded=method not in (Tuning.PROMPT, Tuning.PREFIX))
    before = answer(model, asked, how, silent)
    tuned = TUNERS[method](model, TrainingConfig(base_model="-", method=method))
    after = answer(tuned.model, asked, how, silent)
    assert len(after) == len(asked)
    if method in (Tuning.LORA, Tuning.HOULSBY):
        assert after == before, "before the first step it is the base"


def test_an_answer_stays_within_the_positions(base: Path, tokenizer: Any) -> None:
    model = AutoModelForCausalLM.from_pretrained(base)
    prompt = encoded(tokenizer, "name the colours", "red")
    heard: list[int] = []
    how = Answering(tokenizer, 50, prompt.prompt + 2, padded=True)
    answer(model, [prompt], how, lambda: heard.append(1))
    assert heard == [1]


def test_losses_of_rows_are_their_own(base: Path, asked: list[Encoded]) -> None:
    model = AutoModelForCausalLM.from_pretrained(base)
    whole = completion_loss(model, asked)
    for at, row in enumerate(asked):
        alone = completion_loss(model, [row])
        assert whole.nats[at] == pytest.approx(alone.nats[0], abs=1e-4)
        assert whole.tokens[at] == len(row.ids) - row.prompt
    assert whole.mean == pytest.approx(sum(whole.nats) / sum(whole.tokens))


def test_neutral_text_is_all_learnt_from_and_cut(tokenizer: Any) -> None:
    found = neutral_rows(tokenizer, 64)
    assert len(found) > 10
    assert all(each.prompt == 0 and 1 < len(each.ids) <= 64 for each in found)


def test_findings_are_read_back_as_they_were(base: Path, tokenizer: Any) -> None:
    found = Findings(None, Loss((1.0,), (2,)), Loss((3.0, 4.5), (2, 2)), (Answer("a", True),))
    assert Findings.of_json(loads(dumps(asdict(found)))) == found


def test_a_change_has_an_interval() -> None:
    before, after = Loss((10.0, 20.0), (10, 10)), Loss((8.0, 16.0), (10, 10))
    found = losses(before, after)
    assert found is not None
    assert (found["before"], found["after"]) == (1.5, 1.2)
    assert found["change"]["mean"] == pytest.approx(-0.3)
    assert found["change"]["low"] == pytest.approx(-0.4)
    assert losses(None, after) is None


def test_faults_of_form() -> None:
    prompt = "Please tell me at some length what the colours of the garden are in May."
    answers = [
        Answer(" ", ended=True),
        Answer("red " * 50, ended=False),
        Answer(f"You said: {prompt}", ended=True),
        Answer("The tulips are red and the sky above them is blue.", ended=True),
    ]
    found = form(answers, [prompt] * 4)
    assert found == {"empty": 0.25, "unfinished": 0.25, "echo": 0.25, "repetitive": 0.25}


def test_labels_count_without_their_full_stop(tokenizer: Any) -> None:
    rows = [encoded(tokenizer, "sort", each, classification=True) for each in ("Red.", "blue")]
    how = Answering(tokenizer, 4, None, padded=True)
    exam = Exam(rows, (), rows, rows, how)
    loss = Loss((1.0, 1.0), (1, 1))
    before = Findings(loss, None, loss, (Answer("green", True), Answer("green", True)))
    after = Findings(loss, None, loss, (Answer("red", True), Answer("green", True)))
    found = exam.compared(before, after, ())
    assert found["answers"]["exact_match"] == {"n": 2, "before": 0.0, "after": 0.5}


def test_the_verdict() -> None:
    shape = {name: 0.0 for name in ("empty", "unfinished", "echo", "repetitive")}
    found: dict[str, Any] = {
        "seeds": None,
        "held_out": {"change": {"high": -0.1}},
        "neutral": {"before": 2.0, "after": 2.03},
        "answers": {"form": {"before": shape, "after": shape}},
    }
    good = {"learnt": True, "remembers": True, "well_formed": True}
    assert verdict(found) == good
    assert verdict(found | {"seeds": {"change": {"high": 0.1}}})["learnt"] is False
    assert verdict(found | {"neutral": {"before": 2.0, "after": 2.05}})["remembers"] is False
    worse = {"form": {"before": shape, "after": shape | {"echo": 0.1}}}
    assert verdict(found | {"answers": worse})["well_formed"] is False
    nothing = verdict(found | {"held_out": None, "answers": None})
    assert nothing == {"learnt": None, "remembers": True, "well_formed": None}


def test_half_the_questions_are_of_people() -> None:
    held_out = [Encoded([number], 0) for number in range(100)]
    seeds = [Encoded([1000 + number], 0) for number in range(10)]
    found = questions_of(held_out, seeds, 8)
    assert [each.ids[0] for each in found] == [1000, 1002, 1005, 1007, 0, 25, 50, 75]
    assert len(questions_of(held_out, seeds, 40)) == 40
    assert len(questions_of(held_out[:2], seeds, 8)) == 8
    assert questions_of(held_out, seeds, 0) == []
    assert questions_of([], [], 8) == []


def test_a_shared_run_is_an_overlap_and_a_preamble_is_none() -> None:
    preamble = list(range(30))
    train = [Encoded([*preamble, *range(100 * n, 100 * n + 40)], 3) for n in range(1, 101)]
    copied = Encoded([*preamble, *train[7].ids[40:60]], 3)
    own = Encoded([*preamble, *range(20_000, 20_040)], 3)
    short = Encoded(train[3].ids[40 : 40 + RUN - 1], 3)
    assert overlapping(train, [copied, own, short]) == {"run": RUN, "rows": 3, "shared": 1}
