"""The audit log as a chain: each entry's hash covers its content and the hash before it.

Whoever changes, removes or slips in an entry breaks every hash from there on. Cutting off the end
leaves a whole chain, so its head is to be noted elsewhere now and then and given to the check.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

BEGINNING = bytes(32)


@dataclass(frozen=True, slots=True)
class AuditLink:
    """A place in the chain: how many entries lead to it, and its hash (SHA-256)."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which thing, when, from where, and how it came out; no secret, no text."""

    number: int
    at: datetime
    actor_kind: str
    actor: str
    key_id: UUID | None
    address: str
    action: str
    subject: str
    outcome: str
    facts: Mapping[str, object]
    previous: bytes = field(repr=False)
    hash: bytes = field(repr=False)

    def sealed(self) -> "AuditEntry":
        """This entry with its hash."""
        return replace(self, hash=self.computed())

    def computed(self) -> bytes:
        """The hash that this entry must have."""
        content = [
            self.number,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            self.actor_kind,
            self.actor,
            None if self.key_id is None else str(self.key_id),
            self.address,
            self.action,
            self.subject,
            self.outcome,
            dict(self.facts),
        ]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(self.previous + text.encode()).digest()


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What a check of the chain found; `broken_at` is the first entry that does not fit."""

    entries: int
    head: AuditLink
    broken_at: int | None = None
    problem: str | None = None


def verified(entries: Iterable[AuditEntry], known: AuditLink | None = None) -> AuditVerdict:
    """Walk the chain from its beginning; `known` is a place that it must have passed."""
    head, count = AuditLink(0, BEGINNING), 0
    for each in entries:
        problem = _problem(each, head)
        head, count = AuditLink(each.number, each.hash), count + 1
        if problem is None and known is not None and known.number == each.number:
            problem = None if known.hash == each.hash else "another entry stood here"
        if problem is not None:
            return AuditVerdict(count, head, each.number, problem)
    if known is not None and known.number > head.number:
        return AuditVerdict(count, head, head.number + 1, "the end of the log was cut off")
    return AuditVerdict(count, head)


def _problem(entry: AuditEntry, before: AuditLink) -> str | None:
    if entry.number != before.number + 1:
        return f"entry {before.number + 1} is missing"
    if entry.previous != before.hash:
        return "it does not follow the entry before it"
    return None if entry.computed() == entry.hash else "its content was changed"


def read_link(text: str) -> AuditLink | None:
    """A place as it is written, `NUMBER:HASH`; None when that cannot be read."""
    number, _, digest = text.partition(":")
    if not number.isascii() or not number.isdigit() or len(number) > 18 or len(digest) != 64:
        return None
    try:
        return AuditLink(int(number), bytes.fromhex(digest))
    except ValueError:
        return None
