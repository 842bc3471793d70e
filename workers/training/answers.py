"""Answers of a model to held-out prompts, written greedily, so that two models can be compared."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig

from workers.training.data import Encoded
from workers.training.evaluate import evaluating

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote; `ended` tells whether it came to an end by itself."""

    text: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Answering:
    """How answers are written: at most `most` tokens, and `positions` with the prompt.

    `padded`: prompts of different lengths go in at once, which is exact unless virtual tokens
    stand before them.
    """

    tokenizer: Any
    most: int
    positions: int | None
    padded: bool


def answer(
    model: Any, rows: Sequence[Encoded], how: Answering, heard: Callable[[], None]
) -> tuple[Answer, ...]:
    """The model's answer to the prompt of each row; `heard` is called after each batch."""
    found: dict[int, Answer] = {}
    with evaluating(model):
        for places in _batches(rows, how.padded):
            prompts = [rows[place].ids[: rows[place].prompt] for place in places]
            found |= zip(places, _answers(model, prompts, how), strict=True)
            heard()
    return tuple(found[place] for place in range(len(rows)))


def text_of(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of ids without special tokens; databases take no NUL, which a model may write."""
    return tokenizer.decode(ids, skip_special_tokens=True).replace(
        "\0", "\N{REPLACEMENT CHARACTER}"
    )


def _batches(rows: Sequence[Encoded], padded: bool) -> Iterator[list[int]]:
    places = sorted(range(len(rows)), key=lambda each: rows[each].prompt)
    size = _AT_ONCE if padded else 1
    return (places[at : at + size] for at in range(0, len(places), size))


def _answers(model: Any, prompts: Sequence[Sequence[int]], how: Answering) -> Iterator[Answer]:
    longest, end = max(map(len, prompts)), how.tokenizer.eos_token_id
    room = how.most if how.positions is None else min(how.most, how.positions - longest)
    ids = torch.tensor([[end] * (longest - len(each)) + list(each) for each in prompts])
    mask = torch.tensor([[0] * (longest - len(each)) + [1] * len(each) for each in prompts])
    settings = GenerationConfig(
        max_new_tokens=room, do_sample=False, use_cache=True, eos_token_id=end, pad_token_id=end
    )
    written = model.generate(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device),
        generation_config=settings,
    )
    for each in written[:, longest:].tolist():
        ended = end in each
        whole = each[: each.index(end)] if ended else each
        yield Answer(text_of(how.tokenizer, whole), ended)
