"""The novelty index: every answer equals what comparing with each row would give."""

# ruff: noqa: RUF001 - real lines in many scripts

import gzip
import json
import math
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from app.domain.novelty import Nearest, NoveltyIndex
from app.domain.novelty_compiling import compiled
from app.domain.rouge import rouge_l
from app.domain.tokens import Tokens, tokenizer

REPOSITORY = Path(__file__).parents[2]
DATA = REPOSITORY.parent / "shared" / "data"
SCORER = RougeScorer(["rougeL"])

# some no float holds, some lie one float beside a score that rows often have
THRESHOLDS = [0.3, 1 / 3, 0.4, 0.1 + 0.2, 0.5, 0.6, 2 / 3, 0.7, 0.75, 0.8, 0.9, 0.97, 1.0]
THRESHOLDS += [math.nextafter(t, 0) for t in (0.5, 2 / 3, 0.7, 0.8)]
THRESHOLDS += [math.nextafter(t, 1) for t in (0.5, 2 / 3, 0.7, 0.8)]


def best_by_rouge_score(rows: list[str], text: str) -> Nearest | None:
    """The first best row by rouge-score itself, or None if there are no rows."""
    scores = [SCORER.score(text, row)["rougeL"].fmeasure for row in rows]
    return Nearest(int(np.argmax(scores)), max(scores)) if rows else None


def best_by_scan(rows: list[list[str]], text: list[str]) -> Nearest | None:
    scores = [rouge_l(text, row) for row in rows]
    return Nearest(int(np.argmax(scores)), max(scores)) if rows else None


def above(nearest: Nearest | None, threshold: float) -> Nearest | None:
    return nearest if nearest and nearest.score > threshold else None


def lines_of(alphabet: str, longest: int) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(alphabet.split()), max_size=longest).map(" ".join)


@st.composite
def related_lines(draw: st.DrawFn) -> list[str]:
    """Lines made from one another by cutting, shuffling, repeating and replacing words."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    words = [f"w{i}" for i in range(draw(st.sampled_from([2, 5, 30])))]
    longest = draw(st.sampled_from([3, 12, 30, 70]))
    lines = [rng.choices(words, k=rng.randint(1, longest)) for _ in range(3)]
    for _ in range(draw(st.integers(0, 12))):
        line = list(rng.choice(lines))
        for _ in range(rng.randint(0, 1 + len(line) // 3)):
            match rng.randrange(4):
                case 0 if len(line) > 1:
                    line.pop(rng.randrange(len(line)))
                case 1:
                    line.insert(rng.randint(0, len(line)), rng.choice(words))
                case 2:
                    line[rng.randrange(len(line))] = f"new{rng.randrange(99)}"
                case _:
                    line.append(line[0])
        if rng.random() < 0.2:
            rng.shuffle(line)
        lines.append(line)
    return [" ".join(line) for line in lines]


@settings(deadline=None, max_examples=150)
@given(
    st.one_of(
        related_lines(),
        st.lists(lines_of("a b", 6), max_size=12),
        st.lists(lines_of("the of a rare1 rare2 rare3", 10), max_size=12),
    ),
    st.sampled_from(THRESHOLDS),
)
def test_decides_as_rouge_score(lines: list[str], threshold: float) -> None:
    index = NoveltyIndex(threshold=threshold)
    for position, line in enumerate(lines):
        best = best_by_rouge_score(lines[:position], line)
        assert index.duplicate_of(line) == above(best, threshold)
        assert index.nearest(line) == best
        assert index.add(line) == position
    assert len(index) == len(lines)


def large_pool(seed: int, rows: int, words: int, longest: int) -> list[str]:
    """Lines with words as uneven as real ones, half of them made from an earlier line."""
    rng = random.Random(seed)
    weights = [1 / (i + 1) for i in range(words)]
    pool: list[list[str]] = []
    for _ in range(rows):
        line = [f"w{i}" for i in rng.choices(range(words), weights, k=rng.randint(0, longest))]
        if pool and rng.random() < 0.5:
            line = list(rng.choice(pool))
            for _ in range(rng.randint(0, 1 + len(line) // 2)):
                line.insert(rng.randint(0, len(line)), f"w{rng.randrange(words)}")
                line.pop(rng.randrange(len(line)))
        pool.append(line)
    return [" ".join(line) for line in pool]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.7, 0.85, 0.95])
@pytest.mark.parametrize(("words", "longest"), [(4, 6), (60, 14), (3000, 45), (500, 400)])
def test_a_growing_pool_equals_a_full_scan(words: int, longest: int, threshold: float) -> None:
    lines = large_pool(words, 700 if longest < 400 else 300, words, longest)
    index = NoveltyIndex(threshold=threshold)
    cut = [line.split() for line in lines]
    for position, line in enumerate(lines):
        if position % 7 == 0:
            since = position // 2 if position % 2 else 0
            best = best_by_scan(cut[since:position], cut[position])
            if best:
                best = Nearest(best.position + since, best.score)
            assert index.duplicate_of(line, since=since) == above(best, threshold)
            assert index.nearest(line, since=since) == best
        index.add(line)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 2 / 3, 0.7, math.nextafter(0.7, 0), 0.8, 0.9])
@pytest.mark.parametrize("size", [1, 2, 5, 9, 10, 23, 31, 64, 65, 130])
def test_every_length_at_its_bound(size: int, threshold: float) -> None:
    """Rows of each length share as many words as are just enough, and one fewer."""
    rng = random.Random(size)
    query = [f"q{i}" for i in range(size)]
    for length in range(1, int(size * (2 - threshold) / threshold) + 3):
        index = NoveltyIndex(threshold=threshold)
        index.extend(["q0 q1 q2 q3", "q1 q2"] * 3)  # so that the shared words are the frequent ones
        near = math.floor(threshold * (length + size) / 2)
        for common in {max(0, near - 1), near, near + 1}:
            if common > min(length, size):
                continue
            kept = sorted(rng.sample(range(size), common))
            row = [query[i] for i in kept]
            while len(row) < length:
                row.insert(rng.randint(0, len(row)), f"x{length}y{len(row)}")
            first = index.add(" ".join(row))
            expected = above(Nearest(first, rouge_l(query, row)), threshold)
            assert index.duplicate_of(" ".join(query), since=first) == expected


def test_rows_longer_than_a_byte_can_count() -> None:
    rng = random.Random(5)
    base = [f"w{rng.randrange(4000)}" for _ in range(900)]
    rows = [base[:start] + [f"n{i}" for i in range(start, 900)] for start in range(100, 900, 50)]
    for threshold in (0.5, 0.7, 0.99):
        index = NoveltyIndex(threshold=threshold)
        index.extend(" ".join(row) for row in rows)
        expected = above(best_by_scan(rows, base), threshold)
        assert index.duplicate_of(" ".join(base)) == expected


def test_same_words_in_another_order_are_not_near() -> None:
    index = NoveltyIndex()
    index.add("one two three four five six")
    assert index.duplicate_of("six five four three two one") is None
    assert index.nearest("six five four three two one") == Nearest(0, 1 / 6 * 1 / 6 * 2 / (2 / 6))


def test_earliest_of_equals_wins_and_since_is_respected() -> None:
    index = NoveltyIndex()
    index.extend(["a b c d", "x y", "a b c d", "x y"])
    assert index.duplicate_of("a b c d") == Nearest(0, 1.0)
    assert index.duplicate_of("a b c d", since=1) == Nearest(2, 1.0)
    assert index.duplicate_of("a b c d", since=3) is None
    assert index.nearest("p q", since=1) == Nearest(1, 0.0)
    assert index.nearest("p q", since=4) is None


def test_empty_texts_score_nothing() -> None:
    index = NoveltyIndex(threshold=0.0)
    assert index.nearest("a") is None
    assert index.scores("a").tolist() == []
    index.extend(["", "?!", "a"])
    assert index.duplicate_of("") is None
    assert index.nearest("") == Nearest(0, 0.0)
    assert index.scores("").tolist() == [0.0, 0.0, 0.0]
    assert index.duplicate_of("a") == Nearest(2, 1.0)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        NoveltyIndex(threshold=threshold)


def test_scores_are_rouge_scores_by_position() -> None:
    lines = large_pool(1, 60, 20, 90)
    index = NoveltyIndex()
    index.extend(lines)
    for text in [*lines[:10], "w1 w2 unseen w3", "unseen"]:
        expected = [SCORER.score(text, line)["rougeL"].fmeasure for line in lines]
        assert index.scores(text).tolist() == expected


def test_in_bulk_and_one_by_one_are_the_same() -> None:
    lines = large_pool(2, 3000, 2000, 14)
    one_by_one, bulk, mixed = NoveltyIndex(), NoveltyIndex(), NoveltyIndex()
    for line in lines:
        one_by_one.add(line)
    bulk.extend(lines)
    mixed.extend(iter(lines[:900]))
    mixed.add(lines[900])
    mixed.extend(lines[901:])
    assert len(one_by_one) == len(bulk) == len(mixed) == 3000
    for text in large_pool(3, 200, 2000, 14) + lines[::30]:
        answer = one_by_one.duplicate_of(text)
        assert bulk.duplicate_of(text) == mixed.duplicate_of(text) == answer


def test_a_filtered_stream_equals_check_and_add() -> None:
    lines = large_pool(4, 4000, 1500, 12)
    index, stream = NoveltyIndex(), NoveltyIndex()
    expected = []
    for line in lines:
        expected.append(index.duplicate_of(line))
        if expected[-1] is None:
            index.add(line)
    assert list(stream.filter_stream(iter(lines))) == expected
    assert 1000 < len(stream) == len(index) < 4000


def test_a_failing_source_leaves_what_came_before() -> None:
    def source():
        yield from large_pool(6, 20_000, 3000, 9)
        raise OSError("gone")

    index = NoveltyIndex()
    with pytest.raises(OSError, match="gone"):
        index.extend(source())
    last = len(index) - 1
    assert index.duplicate_of("w1 w2 w3 w1 w2 w3 w1 w77 w78", since=last + 1) is None
    assert index.add("k1 k2 k3") == last + 1
    assert index.duplicate_of("k1 k2 k3") == Nearest(last + 1, 1.0)


def test_memory_is_counted() -> None:
    index = NoveltyIndex()
    before = index.memory_bytes
    index.extend(large_pool(7, 5000, 2000, 16))
    assert 100 < (index.memory_bytes - before) / 5000 < 600


LANGUAGES = {
    "zh": (
        "请用三句话介绍你最喜欢的城市，并说明原因。",
        "请用四句话介绍你最喜欢的城市，并说明原因。",
    ),
    "ja": (
        "好きな料理の作り方を簡単に説明してください。",
        "好きな料理の作り方を詳しく説明してください。",
    ),
    "ko": (
        "아침에 일찍 일어나는 방법을 세 가지 알려 주세요.",
        "아침에 일찍 일어나는 방법을 네 가지 알려 주세요.",
    ),
    "th": ("ช่วยเขียนจดหมายขอบคุณครูสั้น ๆ หนึ่งฉบับ", "ช่วยเขียนจดหมายขอบคุณแม่สั้น ๆ หนึ่งฉบับ"),
    "vi": (
        "Hãy viết một bài thơ ngắn về mùa thu ở quê hương bạn.",
        "Hãy viết một bài thơ ngắn về mùa xuân ở quê hương bạn.",
    ),
    "ru": (
        "Напиши короткое письмо другу о поездке к морю летом.",
        "Напиши короткое письмо брату о поездке к морю летом.",
    ),
    "ar": (
        "اكتب رسالة قصيرة إلى صديقك عن رحلتك إلى البحر في الصيف",
        "اكتب رسالة قصيرة إلى أخيك عن رحلتك إلى البحر في الصيف",
    ),
    "hi": (
        "अपने गाँव के बारे में पाँच सरल वाक्य लिखिए।",
        "अपने शहर के बारे में पाँच सरल वाक्य लिखिए।",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_near_lines_are_caught_in_every_language(language: str) -> None:
    line, near = LANGUAGES[language]
    others = [text for name, pair in LANGUAGES.items() if name != language for text in pair]
    index = NoveltyIndex(tokens=Tokens.UNICODE)
    index.extend([*others, line])
    assert index.duplicate_of(line) == Nearest(len(others), 1.0)
    found = index.duplicate_of(near)
    assert found is not None
    assert found.position == len(others)


def instructions(name: str) -> list[str]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return [json.loads(line)["instruction"] for line in content.splitlines()]


def test_the_whole_alpaca_stream_is_accepted_and_its_ties_are_found() -> None:
    texts = instructions("alpaca/alpaca_52k.jsonl.gz")
    index = NoveltyIndex()
    assert not any(index.filter_stream(texts))
    assert len(index) == 52_002
    below = NoveltyIndex(threshold=math.nextafter(0.7, 0))
    tied = 0
    for position, text in enumerate(texts):
        nearest = below.duplicate_of(text)
        if nearest:
            assert nearest.score == 0.7
            tied += int((below.scores(text) == 0.7).sum())
        assert below.add(text) == position
    assert tied == 1461


@pytest.mark.parametrize(
    ("name", "tokens"),
    [("seeds_en", Tokens.ROUGE), ("seeds_en", Tokens.UNICODE), ("seeds_zh", Tokens.UNICODE)],
)
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_instruction_wild_equals_a_full_scan(name: str, tokens: Tokens, threshold: float) -> None:
    texts = instructions(f"instruction_wild/{name}.jsonl")
    cut = tokenizer(tokens)
    index = NoveltyIndex(tokens=tokens, threshold=threshold)
    accepted: list[list[str]] = []
    for text in texts:
        words = cut(text)
        best = best_by_scan(accepted, words)
        found = index.duplicate_of(text)
        assert found == above(best, threshold)
        if found is None:
            index.add(text)
            accepted.append(words)
    assert 0 < len(index) <= len(texts)


def test_importing_the_rule_does_not_load_the_compiler() -> None:
    code = "import sys, app.domain.novelty; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_loops_compile_where_nothing_can_be_kept_on_disk() -> None:
    def twice(number: int) -> int:
        return 2 * number

    twice.__code__ = twice.__code__.replace(co_filename="<nowhere>")
    assert compiled(twice)(21) == 42


@pytest.mark.parametrize("words", [2_000, 60_000])
def test_a_very_long_row_takes_room_by_its_length(words: int) -> None:
    index = NoveltyIndex()
    text = " ".join(f"w{number % (words // 2)}" for number in range(words))
    index.add(text)
    assert index.duplicate_of(text + " more") is not None
    assert index.duplicate_of(" ".join(text.split()[: words // 3])) is None
    assert index.memory_bytes < 1_000 * words
    assert list(index.filter_stream([text + " even more", "few words only"])) != [None, None]
