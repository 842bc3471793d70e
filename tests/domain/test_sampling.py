"""What prompts show: up to so many machine rows, seeds for the rest, the published draws."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from app.domain.records import Source, SourceKind
from app.domain.replay import InstructionReply, replay_instructions
from app.domain.sampling import draw_shown
from tests.domain.playing import RUNS, json_lines, needs_data, play, self_instruct


@dataclass
class ListPool:
    """A pool of given seeds and machine instructions."""

    seeds: Sequence[Source]
    machines: list[str] = field(default_factory=list[str])

    @property
    def machine_count(self) -> int:
        return len(self.machines)

    def machine(self, position: int) -> Source:
        return Source(SourceKind.MACHINE, str(position), self.machines[position])


def seeds(count: int) -> list[Source]:
    return [
        Source(SourceKind.SEED, f"s{n}", f"Seed task {n}", (), n % 4 == 0) for n in range(count)
    ]


@pytest.mark.parametrize(("machines", "shown"), [(0, 0), (1, 1), (2, 2), (50, 2)])
def test_up_to_two_machine_rows_and_eight_in_all(machines: int, shown: int) -> None:
    pool = ListPool(seeds(20), [f"Machine task {n}" for n in range(machines)])
    drawn = draw_shown(pool, Random(1), shown=8, machine=2)
    assert len({each.id + each.kind for each in drawn}) == 8
    assert sum(each.kind is SourceKind.MACHINE for each in drawn) == shown


def test_draws_are_shuffled_and_repeatable() -> None:
    pool = ListPool(seeds(20), [f"Machine task {n}" for n in range(9)])
    first = [draw_shown(pool, Random(n), shown=8, machine=2) for n in range(30)]
    assert first == [draw_shown(pool, Random(n), shown=8, machine=2) for n in range(30)]
    places = {
        place
        for drawn in first
        for place, each in enumerate(drawn)
        if each.kind is SourceKind.MACHINE
    }
    assert places == set(range(8))


def test_few_seeds_are_all_shown() -> None:
    assert len(draw_shown(ListPool(seeds(3)), Random(0), shown=8, machine=2)) == 3
    assert draw_shown(ListPool([]), Random(0), shown=8, machine=2) == []


def test_machine_rows_never_pass_what_is_shown() -> None:
    pool = ListPool(seeds(3), [f"Machine task {n}" for n in range(9)])
    drawn = draw_shown(pool, Random(0), shown=2, machine=5)
    assert [each.kind for each in drawn] == [SourceKind.MACHINE] * 2


def test_classification_only_shows_classification_seeds() -> None:
    drawn = draw_shown(ListPool(seeds(40)), Random(0), shown=8, machine=2, classification_only=True)
    assert len(drawn) == 8
    assert all(each.is_classification for each in drawn)


@needs_data
@pytest.mark.parametrize("run", RUNS)
def test_one_generator_seeded_42_rebuilds_the_recorded_prompts(run: str) -> None:
    method = self_instruct("paper")
    rows = json_lines("self_instruct/seed_tasks.jsonl")
    pool = ListPool(
        [
            Source(SourceKind.SEED, row["id"], row["instruction"], (), row["is_classification"])
            for row in rows
        ]
    )
    replies = json_lines(f"recorded/{run}/instruction_replies.jsonl")
    rng, found = Random(42), 0
    for number in range(0, 1000, method.round_size):
        texts = [
            listed(play(method.propose(method.draw(pool, number + k, rng), rng), "")[0][0].text)
            for k in range(method.round_size)
        ]
        before = found
        for text in texts:  # a request that yielded nothing left no line
            found += found < len(replies) and listed(replies[found]["prompt"]) == text
        used = [InstructionReply(row["reply"], row["finish_reason"]) for row in replies[:found]]
        replay = replay_instructions(method, [each.instruction for each in pool.seeds], used)
        pool.machines[:] = [each.instruction for each in replay.accepted]
        if found in (before, len(replies)):
            break
    assert found == len(replies)


def listed(prompt: str) -> str:
    """The numbered list of a prompt, without its lead line."""
    return prompt.split("\n", 1)[1]
