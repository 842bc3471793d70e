"""Splits by cluster: whole, repeatable, near the share asked for."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.domain.splitting import TEST, TRAIN, VALIDATION, Clusters, assign, chosen_apart

PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60)


@given(PAIRS)
def test_what_hangs_together_has_one_root(pairs: list[tuple[int, int]]) -> None:
    clusters = Clusters[int]()
    groups: list[set[int]] = []
    for pair in pairs:
        clusters.join(pair)
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if not group & set(pair)]
        groups.append(set(pair).union(*touched))
    for group in groups:
        roots = {clusters.root(node) for node in group}
        assert len(roots) == 1
        assert roots <= group
    assert len({clusters.root(next(iter(group))) for group in groups}) == len(groups)


def test_a_node_alone_is_its_own_root() -> None:
    clusters = Clusters[str]()
    clusters.join(["a", "b"])
    assert clusters.root("c") == "c"
    assert "c" in clusters
    assert "d" not in clusters


SIZES = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(1, 50), max_size=40)
SHARES = {VALIDATION: 0.2, TEST: 0.1}


@given(SIZES, st.integers(0, 5))
def test_no_split_has_more_than_its_share(sizes: dict[str, int], seed: int) -> None:
    found = assign(sizes, SHARES, seed)
    assert found == assign(dict(reversed(sizes.items())), SHARES, seed)
    assert found.keys() == sizes.keys()
    rows = Counter[str]()
    for name, split in found.items():
        rows[split] += sizes[name]
    for split, share in SHARES.items():
        assert rows[split] <= round(share * sum(sizes.values()))


def test_small_clusters_fill_the_shares() -> None:
    sizes = {f"cluster {number}": 2 for number in range(500)}
    rows = Counter(assign(sizes, SHARES, 0).values())
    assert rows == {TRAIN: 350, VALIDATION: 100, TEST: 50}
    other = assign(sizes, SHARES, 1)
    assert other != assign(sizes, SHARES, 0)


def test_one_cluster_trains() -> None:
    assert set(assign({"all": 1000}, SHARES, 0).values()) == {TRAIN}


def test_seeds_are_chosen_by_the_seed_alone_and_never_all() -> None:
    names = [f"task {number}" for number in range(40)]
    chosen = chosen_apart(names, 0.25, 7)
    assert len(chosen) == 10
    assert chosen == chosen_apart(reversed(names), 0.25, 7)
    assert chosen != chosen_apart(names, 0.25, 8)
    assert chosen_apart(names, 0.0, 7) == frozenset()
    assert len(chosen_apart(names, 0.001, 7)) == 1
    assert chosen_apart(["only"], 0.9, 7) == frozenset()
    assert len(chosen_apart(["a", "b"], 0.9, 7)) == 1
