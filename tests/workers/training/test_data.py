"""Rows as token ids: what is learnt, what is dropped, and that nothing is cut."""

from pathlib import Path

import pytest

from app.domain.handoff import HandoffRow, Split, Turn
from workers.training.base_model import load_tokenizer
from workers.training.data import IGNORED, Encoded, Encoder, as_dataset, encode_rows
from workers.training.failures import BadRun

TASK = "name the colours\n"


def row(prompt: str, completion: str, split: Split = Split.TRAIN) -> HandoffRow:
    return HandoffRow(prompt, completion, "1", split)


@pytest.fixture(scope="module")
def encoder(base: Path) -> Encoder:
    return Encoder(load_tokenizer(base))


def learnt(base: Path, encoded: Encoded) -> str:
    return load_tokenizer(base).decode([each for each in encoded.labels if each != IGNORED])


def test_the_completion_and_its_end_mark_are_learnt(base: Path, encoder: Encoder) -> None:
    encoded = encoder.encode(row(TASK, "red and blue"))
    assert learnt(base, encoded) == "red and blue</s>"
    assert load_tokenizer(base).decode(encoded.ids) == f"{TASK}red and blue</s>"
    assert len(encoded.labels) == len(encoded.ids)


def test_of_messages_the_answer_is_learnt(base: Path, encoder: Encoder) -> None:
    prompt = (Turn("system", "a"), Turn("user", "name a colour"))
    encoded = encoder.encode(HandoffRow(prompt, (Turn("assistant", "red"),), "1", Split.TRAIN))
    assert learnt(base, encoded) == "red</s>", "the template's line end is behind the end mark"
    whole = load_tokenizer(base).decode(encoded.ids)
    assert whole == "<s>system: a</s>\n<s>user: name a colour</s>\n<s>assistant: red</s>"


def test_a_row_too_long_is_dropped_whole_and_counted(encoder: Encoder) -> None:
    short, long = row(TASK, "red"), row(TASK, "red and blue " * 40)
    limit = len(encoder.encode(short).ids)
    found = encode_rows([short, long, row(TASK, "red", Split.HELD_OUT)], encoder, limit)
    assert [len(each.ids) for each in found.train] == [limit]
    assert len(found.held_out) == 1
    assert found.dropped == {"too_long": 1}
    assert found.counts()["longest"] == limit


def test_an_empty_completion_is_dropped_by_name(encoder: Encoder) -> None:
    found = encode_rows([row(TASK, "red"), row(TASK, "")], encoder, 100)
    assert found.dropped == {"empty_completion": 1}


def test_nothing_left_is_said(encoder: Encoder) -> None:
    with pytest.raises(BadRun, match=r"limit 3 tokens; dropped: 1 too_long"):
        encode_rows([row(TASK, "red")], encoder, 3)


def test_packing_keeps_every_token_and_every_border(encoder: Encoder) -> None:
    given = [encoder.encode(row(TASK * (1 + n % 3), "red " * (1 + n))) for n in range(12)]
    packed = as_dataset(given, pack_to=100)
    assert len(packed) < len(given)
    assert all(len(each) <= 100 for each in packed["input_ids"])
    parts: list[tuple[list[int], list[int]]] = []
    for ids, labels, lengths in zip(
        packed["input_ids"], packed["labels"], packed["seq_lengths"], strict=True
    ):
        begin = 0
        for length in lengths:
            end = begin + length
            parts.append((ids[begin:end], labels[begin:end]))
            begin = end
    assert sorted(parts) == sorted((each.ids, each.labels) for each in given)


def test_messages_without_a_template_are_refused(base: Path) -> None:
    tokenizer = load_tokenizer(base)
    tokenizer.chat_template = None
    asked = HandoffRow((Turn("user", "a"),), (Turn("assistant", "b"),), "1", Split.TRAIN)
    with pytest.raises(BadRun, match="no chat template"):
        Encoder(tokenizer).encode(asked)
