"""Token buckets: shared through Redis, and each process by itself when Redis is away."""

import asyncio

import pytest

from app.rates import Buckets, Limit, Taken

THREE = Limit(3, 60.0)


def ask(buckets: list[Buckets], times: int, name: str = "a", cost: int = 1) -> list[Taken]:
    """Take from several processes' buckets in turn."""

    async def run() -> list[Taken]:
        try:
            return [
                await buckets[number % len(buckets)].take(name, THREE, cost)
                for number in range(times)
            ]
        finally:
            for each in buckets:
                await each.aclose()

    return asyncio.run(run())


def test_two_processes_share_one_bucket(redis_url: str) -> None:
    found = ask([Buckets(redis_url), Buckets(redis_url)], 5)
    assert [each.granted for each in found] == [True, True, True, False, False]
    assert 19 < found[-1].wait_s <= 20, "a third of the bucket comes back in a third of the time"
    assert ask([Buckets(redis_url)], 1, "b")[0].granted, "another name is another bucket"


def test_it_fills_up_again(redis_url: str) -> None:
    quick = Limit(10, 0.5)

    async def run() -> list[bool]:
        buckets = Buckets(redis_url)
        found = [(await buckets.take("q", quick, 10)).granted for _ in range(2)]
        await asyncio.sleep(0.06)
        found.append((await buckets.take("q", quick)).granted)
        await buckets.aclose()
        return found

    assert asyncio.run(run()) == [True, False, True]


@pytest.mark.parametrize("url", [None, "redis://127.0.0.1:1/0"])
def test_without_redis_each_process_counts_by_itself(url: str | None) -> None:
    one, other = Buckets(url), Buckets(url)
    found = ask([one, other], 7)
    assert [each.granted for each in found] == [True] * 6 + [False]


def test_looking_takes_nothing(redis_url: str) -> None:
    async def run() -> list[float]:
        buckets = Buckets(redis_url)
        for _ in range(5):
            await buckets.look("l", THREE)
        left = [(await buckets.look("l", THREE)).left]
        await buckets.take("l", THREE, 3)
        seen = await buckets.look("l", THREE)
        assert not seen.granted
        assert 0 < seen.wait_s <= 20
        await buckets.aclose()
        return [*left, seen.left]

    left = asyncio.run(run())
    assert left[0] == 3
    assert left[1] < 0.5


def test_all_or_none(redis_url: str) -> None:
    found = ask([Buckets(redis_url)], 2, cost=2)
    assert [each.granted for each in found] == [True, False]
    assert found[1].left == pytest.approx(1, abs=0.1)
