"""Compiled loops of the novelty index: signatures, buckets, bounds and bit-parallel LCS.

All of them live in one file because numba's cache of machine code looks only at the file of the
function it keeps. docs/novelty.md explains the method and proves that it loses no pair.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
Ids = NDArray[np.int32]
Wholes = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Word = Any  # np.uint64; numba needs every operand of a word's arithmetic to be one

INFEASIBLE = 1 << 30  # no common subsequence is long enough
MOST_PREFIX = 12  # rows whose prefix is longer are counted instead of paired: at most 66 pairs
MOST_COUNTED = 250  # the count of matches shares an int32 stamp with the query's number
LAST_EPOCH = (1 << 23) - 1
CAPPED = 255  # lengths and positions from here on do not fit their byte of a posting

IN_PAIR, ALONE, COUNTED = 0, 1, 2  # the kinds of signature

# where `Pool.numbers` keeps what
ROWS, LONGEST, PAIRED, SHIFT, EPOCH, USED, BUILT = 0, 1, 2, 3, 4, 5, 6

ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
ZERO = np.uint64(0)
ONE = np.uint64(1)
EIGHT = np.uint64(8)
SIXTEEN = np.uint64(16)
THIRTY_TWO = np.uint64(32)
BYTE = np.uint64(0xFF)
TAG = np.uint64(0xFFFF)
BAG_SHIFT = np.uint64(58)
# odd constants of splitmix-like mixers; any would do, they only spread signatures over buckets
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
SPREAD = np.uint64(0xD6E8FEB86659FD93)
ALONE_SALT = np.uint64(0x2545F4914F6CDD1D)
COUNTED_SALT = np.uint64(0x369DEA0F31A53F85)


class Pool(NamedTuple):
    """An index's arrays; all but `numbers` are replaced by larger ones as they fill up."""

    numbers: Wholes  # see ROWS and its neighbours
    tokens: Ids  # token ids of all rows, end to end
    starts: Wholes  # (rows + 1,) where each row's tokens start
    bags: Words  # (rows,) one bit set for each of the row's tokens
    stamps: Ids  # (rows,) epoch << 8 | prefix matches counted for that query
    ranks: Ids  # (vocabulary,) global order of tokens, rare first
    masks: Words  # (vocabulary,) zero outside of a query
    buckets: Ids  # (buckets, 3) start, size and room of each bucket in `arena`
    arena: Words  # postings: row << 32 | hash tag << 16 | row length << 8 | position


class Best(NamedTuple):
    """The best row so far, one cell each; -1 and 0.0 before there is one."""

    row: Wholes
    score: Floats


class Query(NamedTuple):
    """A candidate, prepared."""

    ids: Ids  # -1 for tokens that no row has
    elements: Words  # codes of its known (token, occurrence) elements in global order
    unknown: int  # elements that no row can have; they come first in global order
    bag: Word
    needs: Wholes  # (row length,) least LCS whose score is above the threshold
    counts: Wholes  # (row length,) prefix matches asked of rows that are counted; 0 of others
    shortest: int
    furthest: int


def compiled(kernel: Kernel) -> Kernel:
    """Compile on first call, keeping the machine code on disk if there is a place for it."""
    try:
        return cast(Kernel, numba.njit(cache=True)(kernel))
    except RuntimeError:  # numba found no writable directory
        return cast(Kernel, numba.njit(kernel))


@intrinsic
def ones(_: Any, word: Any) -> Any:
    """Count the bits set in a word: one machine instruction."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


# --- bounds -----------------------------------------------------------------------------------


@compiled
def f_measure(common: int, row_length: int, length: int) -> float:
    """rouge-score's floats, in its order; `common` is at least 1."""
    precision = common / row_length
    recall = common / length
    return 2 * precision * recall / (precision + recall)


@compiled
def needed(row_length: int, length: int, threshold: float) -> int:
    """Least common subsequence with an F-measure above the threshold, or INFEASIBLE."""
    common = max(1, int(threshold * (row_length + length) * 0.5) - 1)
    most = min(row_length, length)
    while common <= most:
        if f_measure(common, row_length, length) > threshold:
            return common
        common += 1
    return INFEASIBLE


@compiled
def least_needed(row_length: int, threshold: float) -> int:
    """Minimum of `needed` over all lengths: that of the shortest feasible one, as it never falls."""
    for length in range(max(1, int(threshold * row_length / (2 - threshold)) - 1), row_length + 1):
        common = needed(row_length, length, threshold)
        if common != INFEASIBLE:
            return common
    return INFEASIBLE


@compiled
def counted_matches(row_length: int, threshold: float) -> int:
    """Prefix matches that a counted row must show; never more than it needs in common."""
    return max(1, min(row_length >> 3, least_needed(row_length, threshold), MOST_COUNTED))


@compiled
def pair_prefix(row_length: int, threshold: float) -> int:
    """Elements, in global order, among which a row's first two common ones must be."""
    return min(row_length, row_length - max(2, least_needed(row_length, threshold)) + 2)


@compiled
def longest_paired(threshold: float) -> int:
    """Length up to which every row's pair prefix is at most MOST_PREFIX."""
    length = 1
    while length < 4096 and pair_prefix(length + 1, threshold) <= MOST_PREFIX:
        length += 1
    return length


# --- signatures -------------------------------------------------------------------------------


@compiled
def mixed(word: Word) -> Word:
    word = (word ^ (word >> THIRTY_TWO)) * SPREAD
    word = (word ^ (word >> THIRTY_TWO)) * SPREAD
    return word ^ (word >> THIRTY_TWO)


@compiled
def alone_hash(element: Word) -> Word:
    return mixed(element + ALONE_SALT)


@compiled
def pair_hash(first: Word, second: Word) -> Word:
    return mixed(first * GOLDEN + second)


@compiled
def counted_hash(element: Word) -> Word:
    return mixed(element + COUNTED_SALT)


@compiled
def shell_sort(words: Words, size: int) -> None:
    gap = 1
    while gap < size // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, size):
            word = words[i]
            j = i
            while j >= gap and words[j - gap] > word:
                words[j] = words[j - gap]
                j -= gap
            words[j] = word
        gap //= 3


@compiled
def order_elements(ids: Ids, first: int, last: int, ranks: Ids, elements: Words) -> int:
    """Write the codes of ids[first:last] in global order and return how many are known.

    The k-th occurrence of a token is an element of its own, so overlaps of multisets become
    overlaps of sets.
    """
    size = 0
    for at in range(first, last):
        if ids[at] >= 0:
            elements[size] = np.uint64(np.int64(ranks[ids[at]]) + np.int64(1 << 31))
            size += 1
    shell_sort(elements, size)
    previous = ALL
    occurrence = ZERO
    for i in range(size):
        word = elements[i]
        occurrence = occurrence + ONE if word == previous else ZERO
        previous = word
        elements[i] = mixed((word | (occurrence << THIRTY_TWO)) + GOLDEN)
    return size


@compiled
def signature_count(length: int, threshold: float, paired: int) -> int:
    """How many postings a row of this length has."""
    least = least_needed(length, threshold)
    if least == INFEASIBLE:
        return 0
    if length > paired:
        return length - least + counted_matches(length, threshold)
    alone = length if needed(length, 1, threshold) == 1 else 0
    prefix = pair_prefix(length, threshold)
    return alone + prefix * (prefix - 1) // 2


@compiled
def signatures(
    elements: Words, length: int, threshold: float, paired: int, hashes: Words, positions: Wholes
) -> int:
    """Write a row's signatures and the position of their last element; return how many."""
    least = least_needed(length, threshold)
    if least == INFEASIBLE:
        return 0
    if length > paired:
        prefix = length - least + counted_matches(length, threshold)
        for i in range(prefix):
            hashes[i] = counted_hash(elements[i])
            positions[i] = i
        return prefix
    count = 0
    if needed(length, 1, threshold) == 1:
        for i in range(length):
            hashes[count] = alone_hash(elements[i])
            positions[count] = i
            count += 1
    for j in range(1, pair_prefix(length, threshold)):
        for i in range(j):
            hashes[count] = pair_hash(elements[i], elements[j])
            positions[count] = j
            count += 1
    return count


@compiled
def posting(row: int, signature: Word, length: int, position: int) -> Word:
    return (
        (np.uint64(row) << THIRTY_TWO)
        | ((signature & TAG) << SIXTEEN)
        | (np.uint64(min(length, CAPPED)) << EIGHT)
        | np.uint64(min(position, CAPPED))
    )


@compiled
def bag_of(ids: Ids, first: int, last: int) -> Word:
    """Set one bit for each token; a bit that only one side has is a token the other lacks."""
    bag = ZERO
    for at in range(first, last):
        if ids[at] >= 0:
            bag |= ONE << (mixed(np.uint64(ids[at]) + GOLDEN) >> BAG_SHIFT)
    return bag


# --- building ---------------------------------------------------------------------------------


@compiled
def count_tokens(pool: Pool, counts: Wholes) -> None:
    """Add up how often each token occurs in all rows."""
    for at in range(pool.starts[pool.numbers[ROWS]]):
        counts[pool.tokens[at]] += 1


@compiled
def count_signatures(pool: Pool, first: int, last: int, threshold: float) -> int:
    total = 0
    for row in range(first, last):
        length = pool.starts[row + 1] - pool.starts[row]
        total += signature_count(length, threshold, pool.numbers[PAIRED])
    return total


@compiled
def row_signatures(
    pool: Pool, row: int, threshold: float, elements: Words, hashes: Words, positions: Wholes
) -> int:
    first, last = pool.starts[row], pool.starts[row + 1]
    order_elements(pool.tokens, first, last, pool.ranks, elements)
    return signatures(
        elements, last - first, threshold, pool.numbers[PAIRED], hashes, positions
    )


@compiled
def signature_room(longest: int) -> int:
    """Most signatures of one row: itself alone, and pairs or a counted prefix."""
    return 2 * longest + MOST_PREFIX * MOST_PREFIX


@compiled
def build(pool: Pool, threshold: float) -> None:
    """Lay out all rows' postings bucket by bucket without gaps; buckets must come zeroed."""
    rows, longest = pool.numbers[ROWS], pool.numbers[LONGEST]
    shift = np.uint64(pool.numbers[SHIFT])
    elements = np.empty(longest, np.uint64)
    hashes = np.empty(signature_room(longest), np.uint64)
    positions = np.empty(hashes.size, np.int64)
    for row in range(rows):
        for i in range(row_signatures(pool, row, threshold, elements, hashes, positions)):
            pool.buckets[hashes[i] >> shift, 2] += 1
    used = 0
    for bucket in range(pool.buckets.shape[0]):
        pool.buckets[bucket, 0] = used
        used += pool.buckets[bucket, 2]
    for row in range(rows):
        length = pool.starts[row + 1] - pool.starts[row]
        for i in range(row_signatures(pool, row, threshold, elements, hashes, positions)):
            bucket = hashes[i] >> shift
            at = pool.buckets[bucket, 0] + pool.buckets[bucket, 1]
            pool.arena[at] = posting(row, hashes[i], length, positions[i])
            pool.buckets[bucket, 1] += 1
    pool.numbers[USED] = used
    pool.numbers[BUILT] = rows


@compiled
def arena_wanted(pool: Pool, hashes: Words, count: int) -> int:
    """Upper bound of the arena that adding these signatures takes from its free end."""
    shift = np.uint64(pool.numbers[SHIFT])
    wanted = 0
    for i in range(count):
        bucket = hashes[i] >> shift
        wanted += 4
        if pool.buckets[bucket, 1] + count > pool.buckets[bucket, 2]:
            wanted += 4 * (pool.buckets[bucket, 2] + count)
    return wanted


@compiled
def put(pool: Pool, bucket: Word, entry: Word) -> None:
    """Append to a bucket; a full one moves to the arena's free end with twice the room."""
    start, size = pool.buckets[bucket, 0], pool.buckets[bucket, 1]
    if size == pool.buckets[bucket, 2]:
        used = pool.numbers[USED]
        for i in range(size):
            pool.arena[used + i] = pool.arena[start + i]
        room = max(4, 2 * size)
        start = used
        pool.buckets[bucket, 0] = start
        pool.buckets[bucket, 2] = room
        pool.numbers[USED] = used + room
    pool.arena[start + size] = entry
    pool.buckets[bucket, 1] = size + 1


@compiled
def insert(pool: Pool, first: int, threshold: float) -> int:
    """Index the rows from `first` on; return the row at which the arena was full, or ROWS."""
    rows, longest = pool.numbers[ROWS], pool.numbers[LONGEST]
    shift = np.uint64(pool.numbers[SHIFT])
    elements = np.empty(longest, np.uint64)
    hashes = np.empty(signature_room(longest), np.uint64)
    positions = np.empty(hashes.size, np.int64)
    for row in range(first, rows):
        count = row_signatures(pool, row, threshold, elements, hashes, positions)
        if pool.numbers[USED] + arena_wanted(pool, hashes, count) > pool.arena.size:
            return row
        length = pool.starts[row + 1] - pool.starts[row]
        for i in range(count):
            put(pool, hashes[i] >> shift, posting(row, hashes[i], length, positions[i]))
    return rows


@compiled
def append(pool: Pool, ids: Ids, lengths: Wholes) -> None:
    """Store rows, given end to end, with their bags; there must be room."""
    row = pool.numbers[ROWS]
    at = pool.starts[row]
    pool.tokens[at : at + ids.size] = ids
    for length in lengths:
        pool.starts[row + 1] = at + length
        pool.bags[row] = bag_of(pool.tokens, at, at + length)
        pool.stamps[row] = 0
        pool.numbers[LONGEST] = max(pool.numbers[LONGEST], length)
        at += length
        row += 1
    pool.numbers[ROWS] = row


# --- longest common subsequence ---------------------------------------------------------------


@compiled
def set_masks(pool: Pool, ids: Ids) -> Words:
    """Mark where each query token stands; past 64 tokens `masks` numbers rows of a table."""
    table = np.zeros((ids.size + 1, (ids.size + 63) // 64), np.uint64)
    count = ZERO
    for i in range(ids.size):
        if ids[i] < 0:
            continue
        bit = ONE << np.uint64(i & 63)
        if ids.size <= 64:
            pool.masks[ids[i]] |= bit
            continue
        if pool.masks[ids[i]] == ZERO:
            count += ONE
            pool.masks[ids[i]] = count
        table[np.int64(pool.masks[ids[i]]), i >> 6] |= bit
    return table


@compiled
def clear_masks(pool: Pool, ids: Ids) -> None:
    for token in ids:
        if token >= 0:
            pool.masks[token] = ZERO


@compiled
def long_lcs(pool: Pool, first: int, last: int, table: Words) -> int:
    """As `lcs`, with the query over several words and a carry between them."""
    state = np.full(table.shape[1], ALL, np.uint64)
    for at in range(first, last):
        local = np.int64(pool.masks[pool.tokens[at]])
        if local == 0:
            continue
        carry = ZERO
        for word in range(state.size):
            old = state[word]
            met = old & table[local, word]
            partial = old + met
            total = partial + carry
            carry = np.uint64(partial < old) | np.uint64(total < partial)
            state[word] = total | (old - met)
    common = 0
    for word in range(state.size):
        common += ones(~state[word])
    return common


@compiled
def lcs(pool: Pool, row: int, table: Words) -> int:
    """LCS of a row and the query in `masks`, a word of 64 cells at a time (Hyyrö 2004)."""
    first, last = pool.starts[row], pool.starts[row + 1]
    if table.shape[1] > 1:
        return long_lcs(pool, first, last, table)
    state = ALL
    for at in range(first, last):
        met = state & pool.masks[pool.tokens[at]]
        state = (state + met) | (state - met)
    return ones(~state)


# --- searching --------------------------------------------------------------------------------


@compiled
def prepare(pool: Pool, ids: Ids, threshold: float) -> Query:
    """Order a candidate and tabulate what rows of each length would need in common with it."""
    n = ids.size
    elements = np.empty(n, np.uint64)
    known = order_elements(ids, 0, n, pool.ranks, elements)
    shortest = max(1, int(threshold * n / (2 - threshold)) - 1)
    furthest = min(pool.numbers[LONGEST], int(n * (2 - threshold) / max(threshold, 1e-9)) + 2)
    needs = np.full(max(CAPPED + 1, furthest + 1), INFEASIBLE, np.int64)
    counts = np.zeros(needs.size, np.int64)
    for length in range(shortest, furthest + 1):
        need = needed(length, n, threshold)
        if need > known:
            continue
        needs[length] = need
        if length > pool.numbers[PAIRED]:
            counts[length] = counted_matches(length, threshold)
    bag = bag_of(ids, 0, n)
    return Query(ids, elements[:known], n - known, bag, needs, counts, shortest, furthest)


@compiled
def prefixes(query: Query) -> tuple[int, int, int]:
    """How many of the query's elements to probe alone, in pairs and counted."""
    n = query.ids.size
    alone, in_pairs, counted = 0, 0, 0
    for length in range(query.shortest, query.furthest + 1):
        need = query.needs[length]
        if need == INFEASIBLE:
            continue
        if query.counts[length] > 0:
            counted = max(counted, n - need + query.counts[length])
        elif need == 1:
            alone = n
        else:
            in_pairs = max(in_pairs, n - need + 2)
    return (
        max(0, alone - query.unknown),
        max(0, min(n, in_pairs) - query.unknown),
        max(0, min(n, counted) - query.unknown),
    )


@compiled
def probes(query: Query, hashes: Words, positions: Wholes, kinds: Wholes) -> int:
    """Write the query's signatures; positions count the unknown elements, which come first."""
    alone, in_pairs, counted = prefixes(query)
    elements = query.elements
    count = 0
    for i in range(alone):
        hashes[count] = alone_hash(elements[i])
        positions[count], kinds[count] = i, ALONE
        count += 1
    for j in range(1, in_pairs):
        for i in range(j):
            hashes[count] = pair_hash(elements[i], elements[j])
            positions[count], kinds[count] = j + query.unknown, IN_PAIR
            count += 1
    for i in range(counted):
        hashes[count] = counted_hash(elements[i])
        positions[count], kinds[count] = i + query.unknown, COUNTED
        count += 1
    return count


@compiled
def may_match(query: Query, kind: int, length: int, position: int, place: int) -> bool:
    """Whether enough common elements can follow a match at these positions."""
    need = query.needs[length]
    count = query.counts[length]
    if need == INFEASIBLE:
        return False
    if kind == ALONE:
        return need == 1
    if kind == IN_PAIR:
        count = 2
    return (
        need >= count
        and position + need < query.ids.size + count
        and place + need < length + count
    )


@compiled
def completes_count(pool: Pool, row: int, wanted: int) -> bool:
    """Count one more prefix match of a row; true once, when it has as many as wanted."""
    epoch = pool.numbers[EPOCH]
    stamp = pool.stamps[row]
    count = stamp & 255 if stamp >> 8 == epoch else 0
    if count >= wanted:
        return False
    pool.stamps[row] = (epoch << 8) + count + 1
    return count + 1 == wanted


@compiled
def compare(pool: Pool, query: Query, table: Words, kind: int, row: int, best: Best) -> None:
    """Bound a row's LCS by its bag, then compute it, and keep the row if it is the best."""
    other = pool.bags[row]
    length = pool.starts[row + 1] - pool.starts[row]
    most = min(
        query.elements.size - ones(query.bag & ~other), length - ones(other & ~query.bag)
    )
    if most < query.needs[length]:
        return
    if f_measure(most, length, query.ids.size) < best.score[0]:
        return
    if kind != COUNTED and not completes_count(pool, row, 1):
        return
    common = lcs(pool, row, table)
    if common < query.needs[length]:
        return
    score = f_measure(common, length, query.ids.size)
    if score > best.score[0] or (score == best.score[0] and row < best.row[0]):
        best.row[0], best.score[0] = row, score


@compiled
def walk(
    pool: Pool,
    query: Query,
    table: Words,
    signature: Word,
    position: int,
    kind: int,
    begin: int,
    end: int,
    since: int,
    best: Best,
) -> None:
    """Go through a bucket from its newest posting back and compare the rows that may match."""
    tag = signature & TAG
    for at in range(end - 1, begin - 1, -1):
        entry = pool.arena[at]
        row = np.int64(entry >> THIRTY_TWO)
        if row < since:
            return
        if (entry >> SIXTEEN) & TAG != tag:
            continue
        length = np.int64((entry >> EIGHT) & BYTE)
        place = np.int64(entry & BYTE)
        if length == CAPPED:
            length = pool.starts[row + 1] - pool.starts[row]
            if length > query.furthest:
                continue
        if place == CAPPED:
            place = 0
        if not may_match(query, kind, length, position, place):
            continue
        if kind != COUNTED or completes_count(pool, row, query.counts[length]):
            compare(pool, query, table, kind, row, best)


@compiled
def next_epoch(pool: Pool) -> None:
    """Make all stamps stale."""
    pool.numbers[EPOCH] += 1
    if pool.numbers[EPOCH] > LAST_EPOCH:
        pool.stamps[:] = 0
        pool.numbers[EPOCH] = 1


@compiled
def find(pool: Pool, ids: Ids, since: int, threshold: float) -> tuple[int, float]:
    """Best row from `since` on above the threshold, the earliest among equals; -1 if none is."""
    best = Best(np.full(1, -1, np.int64), np.zeros(1, np.float64))
    query = prepare(pool, ids, threshold)
    size = query.elements.size
    room = 2 * size + size * (size - 1) // 2
    hashes = np.empty(room, np.uint64)
    positions = np.empty(room, np.int64)
    kinds = np.empty(room, np.int64)
    count = probes(query, hashes, positions, kinds)
    if count == 0:
        return -1, 0.0
    begins = np.empty(count, np.int64)
    ends = np.empty(count, np.int64)
    for i in range(count):  # apart from the walks, so that the cache misses overlap
        bucket = hashes[i] >> np.uint64(pool.numbers[SHIFT])
        begins[i] = pool.buckets[bucket, 0]
        ends[i] = begins[i] + pool.buckets[bucket, 1]
    next_epoch(pool)
    table = set_masks(pool, ids)
    for i in range(count):
        walk(
            pool, query, table, hashes[i], positions[i], kinds[i], begins[i], ends[i], since, best
        )
    clear_masks(pool, ids)
    return best.row[0], best.score[0]


@compiled
def scan(pool: Pool, ids: Ids, since: int) -> tuple[int, float]:
    """Best row from `since` on whatever its score, the earliest among equals; bags only prune."""
    best_row, best_score = since, 0.0
    known = 0
    for token in ids:
        known += 1 if token >= 0 else 0
    if known == 0:
        return best_row, best_score
    bag = bag_of(ids, 0, ids.size)
    table = set_masks(pool, ids)
    for row in range(since, pool.numbers[ROWS]):
        other = pool.bags[row]
        length = pool.starts[row + 1] - pool.starts[row]
        most = min(known - ones(bag & ~other), length - ones(other & ~bag))
        if 2 * most < best_score * 0.999999 * (length + ids.size) or most <= 0:
            continue
        common = lcs(pool, row, table)
        if common > 0:
            score = f_measure(common, length, ids.size)
            if score > best_score:
                best_row, best_score = row, score
    clear_masks(pool, ids)
    return best_row, best_score


@compiled
def score_all(pool: Pool, ids: Ids, scores: Floats) -> None:
    """Write the F-measure against every row; `scores` must come zeroed."""
    table = set_masks(pool, ids)
    for row in range(scores.size):
        common = lcs(pool, row, table) if ids.size else 0
        if common > 0:
            length = pool.starts[row + 1] - pool.starts[row]
            scores[row] = f_measure(common, length, ids.size)
    clear_masks(pool, ids)
