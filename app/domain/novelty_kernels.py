"""Compiled loops of the novelty index: its postings, and the searches through them.

Every loop whose machine code is kept on disk is here, as numba looks only at the time of the file
of the function it keeps. docs/novelty.md explains the method and proves that it loses no pair.
"""

import numpy as np

from app.domain.novelty_arrays import (
    EPOCH,
    INDEXED,
    LONGEST,
    PAIRED,
    ROWS,
    SHIFT,
    USED,
    Floats,
    Ids,
    Pool,
    Probes,
    Query,
    Wholes,
    Word,
    Words,
)
from app.domain.novelty_bounds import (
    INFEASIBLE,
    counted_matches,
    f_measure,
    least_needed,
    needed,
    pair_prefix,
)
from app.domain.novelty_compiling import compiled, inlined, ones, whole
from app.domain.novelty_lcs import ALL, ONE, ZERO, clear_masks, lcs, set_masks
from app.domain.novelty_words import GOLDEN, THIRTY_TWO, hash_of, mixed, shell_sort

MOST_PREFIX = 12  # rows whose pair prefix is longer are counted instead
MOST_PAIRS = MOST_PREFIX * (MOST_PREFIX - 1) // 2
LAST_EPOCH = (1 << 23) - 1
CAPPED = 255  # lengths and positions from here on do not fit their byte of a posting

ALONE, IN_PAIR, COUNTED = 0, 1, 2  # the kinds of signature

EIGHT = np.uint64(8)
SIXTEEN = np.uint64(16)
BYTE = np.uint64(0xFF)
TAG = np.uint64(0xFFFF)
BAG_SHIFT = np.uint64(58)
ALONE_SALT = np.uint64(0x2545F4914F6CDD1D)
COUNTED_SALT = np.uint64(0x369DEA0F31A53F85)


@compiled
def longest_paired(threshold: float) -> int:
    """Length up to which every row's pair prefix is at most MOST_PREFIX."""
    length = 1
    while length < 4096 and pair_prefix(length + 1, threshold) <= MOST_PREFIX:
        length += 1
    return length


# --- signatures -------------------------------------------------------------------------------


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
            hashes[i] = hash_of(elements[i], COUNTED_SALT)
            positions[i] = i
        return prefix
    count = 0
    if needed(length, 1, threshold) == 1:
        for i in range(length):
            hashes[count] = hash_of(elements[i], ALONE_SALT)
            positions[count] = i
            count += 1
    for j in range(1, pair_prefix(length, threshold)):
        for i in range(j):
            hashes[count] = hash_of(elements[i], elements[j])
            positions[count] = j
            count += 1
    return count


@inlined
def posting(row: int, signature: Word, length: int, position: int) -> Word:
    return (
        (np.uint64(row) << THIRTY_TWO)
        | ((signature & TAG) << SIXTEEN)
        | (np.uint64(min(length, CAPPED)) << EIGHT)
        | np.uint64(min(position, CAPPED))
    )


@inlined
def bag_of(ids: Ids, first: int, last: int) -> Word:
    """Set one bit for each token; a bit that only one side has is a token the other lacks."""
    bag = ZERO
    for at in range(first, last):
        if ids[at] >= 0:
            bag |= ONE << (mixed(np.uint64(ids[at]) + GOLDEN) >> BAG_SHIFT)
    return bag


# --- building ---------------------------------------------------------------------------------


@compiled
def count_postings(rows: Wholes, threshold: float, paired: int) -> int:
    """How many postings so many rows of each length have."""
    elements = np.zeros(rows.size, np.uint64)
    hashes = np.empty(rows.size + MOST_PAIRS, np.uint64)
    positions = np.empty(hashes.size, np.int64)
    total = 0
    for length in range(1, rows.size):
        if rows[length]:
            count = signatures(elements, length, threshold, paired, hashes, positions)
            total += count * rows[length]
    return total


@compiled
def row_signatures(
    pool: Pool, row: int, threshold: float, elements: Words, hashes: Words, positions: Wholes
) -> int:
    first, last = pool.starts[row], pool.starts[row + 1]
    order_elements(pool.tokens, first, last, pool.ranks, elements)
    return signatures(elements, last - first, threshold, pool.numbers[PAIRED], hashes, positions)


@compiled
def build(pool: Pool, threshold: float) -> None:
    """Lay out all rows' postings bucket by bucket without gaps; buckets must come zeroed."""
    rows, longest = pool.numbers[ROWS], pool.numbers[LONGEST]
    shift = np.uint64(pool.numbers[SHIFT])
    elements = np.empty(longest, np.uint64)
    hashes = np.empty(longest + MOST_PAIRS, np.uint64)
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
    pool.numbers[INDEXED] = rows


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
def room_wanted(pool: Pool, hashes: Words, count: int, shift: Word) -> int:
    """Arena entries that `put` will take for these postings: the moves of each bucket that fills.

    A long row has many postings in one bucket, so they are counted bucket by bucket.
    """
    buckets = np.empty(count, np.uint64)
    for i in range(count):
        buckets[i] = hashes[i] >> shift
    shell_sort(buckets, count)
    wanted = 0
    i = 0
    while i < count:
        bucket = buckets[i]
        size, room = pool.buckets[bucket, 1], pool.buckets[bucket, 2]
        while i < count and buckets[i] == bucket:
            size += 1
            i += 1
        while room < size:
            room = max(4, 2 * room)
            wanted += room
    return wanted


@compiled
def insert(pool: Pool, threshold: float) -> None:
    """Index the rows that are not yet, until the arena is full."""
    rows, longest = pool.numbers[ROWS], pool.numbers[LONGEST]
    shift = np.uint64(pool.numbers[SHIFT])
    elements = np.empty(longest, np.uint64)
    hashes = np.empty(longest + MOST_PAIRS, np.uint64)
    positions = np.empty(hashes.size, np.int64)
    for row in range(pool.numbers[INDEXED], rows):
        count = row_signatures(pool, row, threshold, elements, hashes, positions)
        most = 0  # a quick bound, which suffices for nearly every row
        for i in range(count):
            room = pool.buckets[hashes[i] >> shift, 2]
            if pool.buckets[hashes[i] >> shift, 1] + count > room:
                most += 4 * (room + count)
        left = pool.arena.size - pool.numbers[USED]
        if most > left and room_wanted(pool, hashes, count, shift) > left:
            return
        length = pool.starts[row + 1] - pool.starts[row]
        for i in range(count):
            put(pool, hashes[i] >> shift, posting(row, hashes[i], length, positions[i]))
        pool.numbers[INDEXED] = row + 1


@compiled
def append(pool: Pool, ids: Ids, lengths: Wholes) -> None:
    """Store rows, given end to end, with their bags; there must be room."""
    row = pool.numbers[ROWS]
    at = int(pool.starts[row])
    pool.tokens[at : at + ids.size] = ids
    for length in lengths:
        pool.starts[row + 1] = at + length
        pool.bags[row] = bag_of(pool.tokens, at, at + length)
        pool.stamps[row] = 0
        pool.numbers[LONGEST] = max(pool.numbers[LONGEST], length)
        at += length
        row += 1
    pool.numbers[ROWS] = row


@compiled
def store(pool: Pool, ids: Ids, lengths: Wholes, threshold: float) -> None:
    """Append and insert in one call."""
    append(pool, ids, lengths)
    insert(pool, threshold)


# --- searching --------------------------------------------------------------------------------


@compiled
def prepare(pool: Pool, ids: Ids, threshold: float) -> Query:
    """Order a candidate and tabulate what rows of each length would need in common with it."""
    size, longest, paired = ids.size, pool.numbers[LONGEST], pool.numbers[PAIRED]
    elements = np.empty(size, np.uint64)
    known = order_elements(ids, 0, size, pool.ranks, elements)
    shortest = max(1, int(threshold * size / (2 - threshold)) - 1)
    furthest = min(longest, int(size * (2 - threshold) / max(threshold, 1e-9)) + 2)
    lengths = max(CAPPED + 1, furthest + 2)
    needs = np.full(lengths, INFEASIBLE, np.int64)
    counts = np.zeros(lengths, np.int64)
    rests = np.full((3, lengths), INFEASIBLE, np.int64)
    for length in range(shortest, furthest + 1):
        need = needed(length, size, threshold)
        if need > known:
            continue
        kind, count = IN_PAIR, 2
        if length > paired:
            kind, count = COUNTED, counted_matches(length, threshold)
        elif need == 1:
            kind, count = ALONE, 1
        needs[length], counts[length], rests[kind, length] = need, count, need - count
    return Query(ids, elements[:known], bag_of(ids, 0, size), needs, counts, rests)


@inlined
def prefix(query: Query, kind: int) -> int:
    """How many known elements, in global order, can end a signature of this kind."""
    return max(0, query.elements.size - query.rests[kind].min())


@compiled
def probe(pool: Pool, query: Query) -> Probes:
    """Hash the query's signatures and look up their buckets; nothing waits for a cache miss."""
    elements = query.elements
    alone, in_pairs, counted = prefix(query, ALONE), prefix(query, IN_PAIR), prefix(query, COUNTED)
    room = alone + max(0, in_pairs * (in_pairs - 1) // 2) + counted
    hashes = np.empty(room, np.uint64)
    positions, kinds = np.empty(room, np.int64), np.empty(room, np.int64)
    begins, sizes = np.empty(room, np.int64), np.empty(room, np.int64)
    count = 0
    for j in range(1, in_pairs):
        for i in range(j):
            hashes[count] = hash_of(elements[i], elements[j])
            positions[count], kinds[count] = j, IN_PAIR
            count += 1
    for i in range(alone):
        hashes[count] = hash_of(elements[i], ALONE_SALT)
        positions[count], kinds[count] = i, ALONE
        count += 1
    for i in range(counted):
        hashes[count] = hash_of(elements[i], COUNTED_SALT)
        positions[count], kinds[count] = i, COUNTED
        count += 1
    for i in range(count):
        bucket = hashes[i] >> np.uint64(pool.numbers[SHIFT])
        begins[i], sizes[i] = pool.buckets[bucket, 0], pool.buckets[bucket, 1]
    return Probes(hashes, positions, kinds, begins, sizes)


@inlined
def completes_count(stamps: Ids, epoch: int, row: int, wanted: int) -> bool:
    """Count one more prefix match of a row; true once, when it has as many as wanted."""
    stamp = stamps[row]
    count = stamp & 255 if stamp >> 8 == epoch else 0
    if count >= wanted:
        return False
    stamps[row] = (epoch << 8) + count + 1
    return count + 1 == wanted


@inlined
def collect(pool: Pool, query: Query, probes: Probes, since: int) -> Wholes:
    """Gather the rows that may have enough in common, reading each bucket newest first."""
    arena, starts, stamps, epoch = pool.arena, pool.starts, pool.stamps, pool.numbers[EPOCH]
    counts, rests = query.counts, query.rests
    rows = np.empty(probes.sizes.sum(), np.int64)
    count = 0
    for i in range(probes.sizes.size):
        begin, kind = probes.begins[i], probes.kinds[i]
        tag = probes.hashes[i] & TAG
        behind = query.elements.size - 1 - probes.positions[i]
        for at in range(begin + probes.sizes[i] - 1, begin - 1, -1):
            entry = arena[at]
            row = whole(entry >> THIRTY_TWO)
            if row < since:
                break
            if (entry >> SIXTEEN) & TAG != tag:
                continue
            length = whole((entry >> EIGHT) & BYTE)
            place = whole(entry & BYTE)
            if length == CAPPED:
                length = min(counts.size - 1, starts[row + 1] - starts[row])
            if rests[kind, length] > min(behind, length - 1 - place):
                continue
            if kind == COUNTED and not completes_count(stamps, epoch, row, counts[length]):
                continue
            rows[count] = row
            count += 1
    return rows[:count]


@compiled
def best_of(pool: Pool, query: Query, rows: Wholes) -> tuple[int, float]:
    """Bound each row's LCS by its bag, compute it where the bound allows, keep the best row."""
    size, known, bag, needs = query.ids.size, query.elements.size, query.bag, query.needs
    tokens, starts, bags, masks = pool.tokens, pool.starts, pool.bags, pool.masks
    stamps, epoch, paired = pool.stamps, pool.numbers[EPOCH], pool.numbers[PAIRED]
    best, best_score = -1, 0.0
    table = set_masks(pool, query.ids)
    for row in rows:
        other = bags[row]
        length = whole(starts[row + 1] - starts[row])
        need = whole(needs[length])
        most = min(known - ones(bag & ~other), length - ones(other & ~bag))
        if most < need or f_measure(most, length, size) < best_score:
            continue
        if length <= paired and not completes_count(stamps, epoch, row, 1):
            continue  # another pair has led here before
        common = lcs(tokens[starts[row] : starts[row + 1]], masks, table)
        if common < need:
            continue
        score = f_measure(common, length, size)
        if score > best_score or (score == best_score and row < best):
            best, best_score = row, score
    clear_masks(pool, query.ids)
    return best, best_score


@compiled
def find(pool: Pool, ids: Ids, since: int, threshold: float) -> tuple[int, float]:
    """Best row from `since` on above the threshold, the earliest among equals; -1 if none is."""
    query = prepare(pool, ids, threshold)
    probes = probe(pool, query)
    if not probes.sizes.any():
        return -1, 0.0
    pool.numbers[EPOCH] += 1
    if pool.numbers[EPOCH] > LAST_EPOCH:
        pool.stamps[:] = 0
        pool.numbers[EPOCH] = 1
    return best_of(pool, query, collect(pool, query, probes, since))


@compiled
def admit(
    pool: Pool, ids: Ids, lengths: Wholes, most: int, threshold: float, best: Wholes, scores: Floats
) -> int:
    """Find and, where novel, append and insert each text in turn, up to `most` rows.

    Write each one's best row, -1 for a novel one, and score. Return how many texts are done: all,
    or as many as the pool had room for; the last novel one may still have to be inserted.
    """
    at = 0
    for i in range(lengths.size):
        if pool.numbers[ROWS] == most or pool.numbers[INDEXED] < pool.numbers[ROWS]:
            return i
        text = ids[at : at + lengths[i]]
        best[i], scores[i] = find(pool, text, 0, threshold)
        if best[i] < 0:
            store(pool, text, lengths[i : i + 1], threshold)
        at += lengths[i]
    return lengths.size


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
    tokens, starts, bags, masks = pool.tokens, pool.starts, pool.bags, pool.masks
    for row in range(since, pool.numbers[ROWS]):
        other = bags[row]
        length = starts[row + 1] - starts[row]
        most = min(known - ones(bag & ~other), length - ones(other & ~bag))
        if 2 * most < best_score * 0.999999 * (length + ids.size) or most <= 0:
            continue
        common = lcs(tokens[starts[row] : starts[row + 1]], masks, table)
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
    tokens, starts, masks = pool.tokens, pool.starts, pool.masks
    for row in range(scores.size):
        common = lcs(tokens[starts[row] : starts[row + 1]], masks, table)
        if common > 0:
            length = starts[row + 1] - starts[row]
            scores[row] = f_measure(common, length, ids.size)
    clear_masks(pool, ids)
