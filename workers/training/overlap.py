"""Contamination: which held-out rows share a run of tokens with a row that is trained on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from workers.training.data import Encoded

# About the 13 words of Brown et al. 2020 (appendix C), as tokens of a base model.
RUN = 16
# A run that stands in more rows than this share is the layout's (a preamble), not a row's own.
_LAYOUT_SHARE, _LAYOUT_ROWS = 0.05, 3


def overlapping(train: Sequence[Encoded], held_out: Sequence[Encoded]) -> Mapping[str, int]:
    """How many of the held-out rows share a run of so many tokens with the training rows."""
    runs = [set(_runs(row.ids)) for row in held_out]
    asked = set[tuple[int, ...]]().union(*runs)
    seen = Counter[tuple[int, ...]]()
    for row in train:
        seen.update(asked.intersection(_runs(row.ids)))
    most = max(_LAYOUT_ROWS, _LAYOUT_SHARE * len(train))
    own = {run for run, count in seen.items() if count <= most}
    shared = sum(not each.isdisjoint(own) for each in runs)
    return {"run": RUN, "rows": len(held_out), "shared": shared}


def _runs(ids: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return zip(*(ids[at:] for at in range(RUN)), strict=False)
