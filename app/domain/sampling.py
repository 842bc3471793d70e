"""Draws what a prompt shows from a pool: some machine-made instructions, seeds for the rest."""

from collections.abc import Sequence
from random import Random

from app.domain.method import Pool
from app.domain.records import Source


def draw_shown(
    pool: Pool, rng: Random, *, shown: int, machine: int, classification_only: bool = False
) -> Sequence[Source]:
    """Return at most `shown` sources without repeats, in the order in which a prompt lists them.

    Up to `machine` of them are machine-made; the seeds fill up, all of them or only the
    classification ones. The order of draws (machine rows, seeds, shuffle) is that of
    Self-Instruct's released code, so one generator seeded 42 rebuilds its published prompts.
    """
    wanted = min(machine, shown, pool.machine_count)
    drawn = [pool.machine(position) for position in rng.sample(range(pool.machine_count), wanted)]
    seeds = [each for each in pool.seeds if each.is_classification or not classification_only]
    drawn += rng.sample(seeds, min(shown - wanted, len(seeds)))
    rng.shuffle(drawn)
    return drawn
