"""A judge over HTTP: both orders, what was paid is kept, and no cap is passed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from app.errors import InvalidInput, TeacherFailure
from app.llm.guard import Guard
from app.use_cases.comparing import Compared, described_judge
from app.use_cases.comparing_files import CompareWish, compare
from app.use_cases.teachers import TeacherDetails
from tests.llm.scripted_teacher import ScriptedTeacher, answers, completion, scripted_teacher

KEY = "sk-canary-1234567890"


def predictions(path: Path, word: str, count: int) -> Path:
    rows = [
        {"id": str(n), "prompt": f"Name bird {n}.", "response": f"{word} {n}", "target": "wren"}
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def wish(tmp_path: Path) -> CompareWish:
    first = predictions(tmp_path / "first.jsonl", "owl", 4)
    second = predictions(tmp_path / "second.jsonl", "stork", 5)
    return CompareWish(first, second, tmp_path / "judged.jsonl")


@contextmanager
def judge(handler: Any) -> Iterator[tuple[ScriptedTeacher, Any]]:
    with scripted_teacher(handler) as teacher:
        details = TeacherDetails(
            name="judge",
            base_url=teacher.base_url,
            model="oak",
            api_key=SecretStr(KEY),
            input_micro_usd_per_million=1_000_000,
            output_micro_usd_per_million=1_000_000,
        )
        yield teacher, described_judge(details, Guard())


async def prefers_storks(request: web.Request) -> web.StreamResponse:
    text = (await request.json())["messages"][-1]["content"]
    stork_first = text.index("stork") < text.index("owl")
    return web.Response(body=completion(f"Better: {'A' if stork_first else 'B'}"))


def compared(wish: CompareWish, teacher: Any) -> Compared:
    return compare(wish, teacher, lambda *_: None)


def test_the_better_one_wins_wherever_it_stands(wish: CompareWish) -> None:
    with judge(prefers_storks) as (teacher, oak):
        found = compared(wish, oak)
        assert len(teacher.arrivals) == 8, "four common prompts, both orders"
        again = compared(wish, oak)
        assert len(teacher.arrivals) == 8, "what is known is not bought again"
    assert found.comparison is not None
    assert (found.comparison.wins, found.comparison.n) == (4, 4)
    assert (found.comparison.win_rate, found.comparison.first_place) == (1.0, 0.5)
    assert (found.calls, found.spent_micro_usd, found.left) == (8, 80, 0)
    assert (again.calls, again.spent_micro_usd) == (0, 0)
    assert again.comparison == found.comparison
    assert found.prompt == "judge/compare.en@1"
    assert KEY not in wish.record.read_text()


def test_a_judge_that_likes_what_comes_first_finds_no_winner(wish: CompareWish) -> None:
    with judge(answers(completion("Better: A"))) as (_, oak):
        found = compared(wish, oak).comparison
    assert found is not None
    assert (found.wins, found.losses, found.ties, found.win_rate) == (0, 0, 4, 0.5)
    assert (found.first_place, found.one_sided) == (1.0, 1.0)


def test_no_cap_is_passed_and_the_rest_is_asked_later(wish: CompareWish) -> None:
    with judge(prefers_storks) as (teacher, oak):
        assert compared(replace(wish, cap_calls=3), oak).left == 5
        assert len(teacher.arrivals) == 3
        poor = compared(replace(wish, cap_micro_usd=1), oak)
        assert (poor.calls, poor.left) == (0, 5)
        assert len(teacher.arrivals) == 3
        assert compared(wish, oak).left == 0
        assert len(teacher.arrivals) == 8


def test_replies_that_say_nothing_are_paid_and_counted(wish: CompareWish) -> None:
    with judge(answers(completion("I would rather not."))) as (teacher, oak):
        found = compared(wish, oak)
        assert (found.comparison, found.left) == (None, 0)
        compared(wish, oak)
        assert len(teacher.arrivals) == 8


def test_one_that_turns_us_away_ends_it(wish: CompareWish) -> None:
    turned_away = answers(b'{"error": {"message": "no such key"}}', 401)
    with judge(turned_away) as (_, oak), pytest.raises(TeacherFailure) as raised:
        compared(wish, oak)
    assert KEY not in str(raised.value)
    assert wish.record.read_text() == ""


def test_a_torn_last_line_is_asked_again(wish: CompareWish) -> None:
    with judge(prefers_storks) as (teacher, oak):
        compared(wish, oak)
        whole = wish.record.read_bytes()
        wish.record.write_bytes(whole[:-20])
        assert compared(wish, oak).calls == 1
    assert wish.record.read_bytes().count(b"\n") == 8
    assert len(teacher.arrivals) == 9


def test_files_that_do_not_fit_are_refused(wish: CompareWish, tmp_path: Path) -> None:
    with judge(prefers_storks) as (_, oak):
        other = tmp_path / "other.jsonl"
        other.write_text('{"prompt": "What else?", "response": "x"}\n')
        with pytest.raises(InvalidInput, match="no common prompt"):
            compared(replace(wish, second=other), oak)
        with pytest.raises(InvalidInput, match="name another --out"):
            compared(replace(wish, record=wish.first), oak)
        whole = wish.first.read_bytes().rstrip()
        wish.first.write_bytes(whole)
        with pytest.raises(InvalidInput, match="name another --out"):
            compared(replace(wish, record=wish.first), oak)
        assert wish.first.read_bytes() == whole, "what is not ours stays as it is"
