"""The chain of the audit log: whoever changes, removes, slips in or cuts off is found out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.domain.audit import BEGINNING, AuditEntry, AuditLink, read_link, verified

WHEN = datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def chain(length: int = 5) -> list[AuditEntry]:
    """A whole log."""
    made: list[AuditEntry] = []
    for number in range(1, length + 1):
        before = made[-1].hash if made else BEGINNING
        entry = AuditEntry(
            number, WHEN, "key", "ada", None, "::1", "job.delete", "x", "done", {"n": number},
            before, b"",
        )  # fmt: skip
        made.append(entry.sealed())
    return made


def test_a_whole_chain_is_whole() -> None:
    found = verified(chain())
    assert (found.entries, found.problem, found.head.number) == (5, None, 5)
    assert verified([]).head == AuditLink(0, BEGINNING)


def resealed(entries: list[AuditEntry]) -> list[AuditEntry]:
    """One entry rewritten by somebody who can compute hashes as well."""
    entries[2] = replace(entries[2], actor="eve").sealed()
    return entries


TAMPERED: dict[str, Callable[[list[AuditEntry]], list[AuditEntry]]] = {
    "actor": lambda log: [*log[:2], replace(log[2], actor="eve"), *log[3:]],
    "facts": lambda log: [*log[:2], replace(log[2], facts={"n": 7}), *log[3:]],
    "time": lambda log: [*log[:2], replace(log[2], at=WHEN + timedelta(seconds=1)), *log[3:]],
    "removed": lambda log: [*log[:2], *log[3:]],
    "first removed": lambda log: log[1:],
    "swapped": lambda log: [log[0], log[2], log[1], *log[3:]],
    "doubled": lambda log: [*log[:3], log[2], *log[3:]],
    "resealed": resealed,
}


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering_is_found(how: str) -> None:
    found = verified(TAMPERED[how](chain()))
    assert found.problem is not None
    assert found.broken_at is not None
    assert found.broken_at <= 4


def test_a_cut_end_and_a_new_chain_are_found_with_a_noted_head() -> None:
    head = verified(chain()).head
    assert verified(chain()[:3]).problem is None, "alone, the shorter chain is whole"
    assert verified(chain()[:3], head).problem == "the end of the log was cut off"
    rewritten = chain(2)
    for number in range(3, 7):
        made = replace(chain(6)[number - 1], actor="eve", previous=rewritten[-1].hash)
        rewritten.append(made.sealed())
    assert verified(rewritten).problem is None
    assert verified(rewritten, head).problem == "another entry stood here"
    assert verified(chain(9), head).problem is None, "a longer log that passed it is good"


def test_the_hash_is_of_the_moment_and_not_of_its_time_zone() -> None:
    entry = chain(1)[0]
    elsewhere = replace(entry, at=entry.at.astimezone(timezone(timedelta(hours=5))))
    assert elsewhere.computed() == entry.hash


def test_a_head_can_be_written_down_and_read() -> None:
    head = verified(chain()).head
    assert read_link(str(head)) == head
    for text in ("", "5", "5:", "5:zz", "x:" + "0" * 64, "-1:" + "0" * 64, "5:" + "g" * 64):
        assert read_link(text) is None
