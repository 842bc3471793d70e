"""Rows as token ids: the loss is taken on completions alone, and no row is ever cut."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from datasets import Dataset
from trl import pack_dataset

from app.domain.handoff import HandoffRow, Split, Turn
from workers.training.failures import BadRun

IGNORED = -100  # torch's cross entropy leaves out positions with this label


@dataclass(frozen=True, slots=True)
class Encoded:
    """One row: all its ids, of which the first `prompt` are read and not learnt."""

    ids: list[int]
    prompt: int
    id: str = ""
    classification: bool = False

    @property
    def labels(self) -> list[int]:
        return [IGNORED] * self.prompt + self.ids[self.prompt :]


@dataclass
class Rows:
    """The rows that are used, by what they are for, and why others are not."""

    train: list[Encoded] = field(default_factory=list)
    held_out: list[Encoded] = field(default_factory=list)
    seeds: list[Encoded] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def watched(self) -> list[Encoded]:
        """What the loss is taken on while it trains: held-out rows, without any the seeds."""
        return self.held_out or self.seeds

    def of(self, split: Split) -> list[Encoded]:
        """The rows of a split."""
        return {Split.TRAIN: self.train, Split.SEEDS: self.seeds}.get(split, self.held_out)

    def counts(self) -> dict[str, Any]:
        """What people want to know of the data before a step is made."""
        lengths = sorted(len(each.ids) for each in self.train)
        return {
            "train_rows": len(self.train),
            "held_out_rows": len(self.held_out),
            "seed_rows": len(self.seeds),
            "dropped": dict(self.dropped),
            "tokens": sum(lengths),
            "completion_tokens": sum(len(each.ids) - each.prompt for each in self.train),
            "longest": lengths[-1],
            "median": lengths[len(lengths) // 2],
        }


class Encoder:
    """Turns rows into ids with a base model's own tokenizer.

    Prompt and completion are cut into tokens apart, so the boundary falls between two tokens, as
    it does when the model is asked. Behind the completion stands the tokenizer's end mark.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._eos = tokenizer.eos_token_id
        if self._eos is None:
            raise BadRun(
                "The base's tokenizer names no end mark (eos_token); completions need one."
            )

    def encode(self, row: HandoffRow) -> Encoded:
        """The ids of one row."""
        if isinstance(row.prompt, str) and isinstance(row.completion, str):
            prompt = self._tokenizer(row.prompt)["input_ids"]
            if prompt and prompt[-1] == self._eos:
                prompt = prompt[:-1]  # of tokenizers that end every text by themselves
            return self._joined(row, prompt, self._ids(row.completion))
        prompt_text, completion_text = self._rendered(row)
        return self._joined(row, self._ids(prompt_text), self._ids(completion_text))

    def _joined(self, row: HandoffRow, prompt: list[int], completion: list[int]) -> Encoded:
        if self._eos in completion:  # a template may put a line end behind its end mark
            last = len(completion) - completion[::-1].index(self._eos)
            completion = completion[: last - 1]
        ids = [*prompt, *completion, self._eos]
        return Encoded(ids, len(prompt), row.id, row.classification)

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]

    def _rendered(self, row: HandoffRow) -> tuple[str, str]:
        """Prompt and completion as the base's chat template writes them."""
        if self._tokenizer.chat_template is None:
            raise BadRun("The data are messages, and the base's tokenizer has no chat template.")
        prompt, completion = _members(row.prompt), _members(row.completion)
        render = self._tokenizer.apply_chat_template
        opening = render(prompt, tokenize=False, add_generation_prompt=True)
        whole = render([*prompt, *completion], tokenize=False)
        if not whole.startswith(opening):
            raise BadRun(
                f"The base's chat template writes the prompt of row {row.id} otherwise once it is "
                "answered, so what is learnt cannot be told from what is read."
            )
        return opening, whole[len(opening) :]


def encode_rows(rows: Iterable[HandoffRow], encoder: Encoder, limit: int) -> Rows:
    """Encode every row; one longer than `limit` tokens is dropped whole and counted.

    Raises BadRun where nothing is left to train on.
    """
    found = Rows()
    for row in rows:
        encoded = encoder.encode(row)
        if len(encoded.ids) > limit:
            found.dropped["too_long"] += 1
        elif len(encoded.ids) - encoded.prompt <= 1:
            found.dropped["empty_completion"] += 1
        else:
            found.of(row.split).append(encoded)
    if not found.train:
        told = ", ".join(f"{count} {reason}" for reason, count in found.dropped.items())
        raise BadRun(
            f"No row is left to train on (limit {limit} tokens; dropped: {told or 'none'})."
        )
    return found


def as_dataset(rows: Sequence[Encoded], *, pack_to: int | None) -> Dataset:
    """Columns as TRL's trainer takes them: a row each, or rows packed best-fit to a length."""
    columns = {"input_ids": [each.ids for each in rows], "labels": [each.labels for each in rows]}
    dataset = Dataset.from_dict(columns)
    return dataset if pack_to is None else pack_dataset(dataset, pack_to, "bfd")


def _members(turns: "str | tuple[Turn, ...]") -> list[dict[str, str]]:
    if isinstance(turns, str):
        raise BadRun("A row mixes text and messages.")
    return [{"role": each.role, "content": each.content} for each in turns]
