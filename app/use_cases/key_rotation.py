"""A new master key: every teacher's key is sealed anew, in batches, and may be begun again."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.db import teachers as queries
from app.db.engine import Connection
from app.domain.stored import TeacherRecord
from app.errors import Conflict, InvalidInput
from app.llm import master_keys
from app.runtime import Runtime
from app.use_cases import audit

BATCH = 100


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many keys were sealed anew, and the teachers whose keys no master key opens."""

    resealed: int
    unreadable: Sequence[str]


def rotate(runtime: Runtime) -> Rotated:
    """Seal every key with the newest master key; killed anywhere, it goes on where it was.

    Without CULTIVAR_MASTER_KEY the new key is made here. With it, raises InvalidInput unless the
    old one is named too. Each batch is one transaction; running processes read old and new.
    """
    _have_two_keys(runtime)
    resealed, unreadable, after = 0, list[str](), None
    while True:
        with runtime.database.transaction() as connection:
            batch = queries.sealed_otherwise(connection, runtime.vault.newest(), after, BATCH)
            done = [_reseal(runtime, connection, each) for each in batch]
            resealed += sum(done)
            unreadable += [each.name for each, fits in zip(batch, done, strict=True) if not fits]
            if len(batch) < BATCH:
                facts = {"resealed": resealed, "unreadable": len(unreadable)}
                audit.note(runtime, connection, "master_key.rotate", "master key", **facts)
        if len(batch) < BATCH:
            return Rotated(resealed, unreadable)
        after = batch[-1].id


def forget_previous(runtime: Runtime) -> bool:
    """Remove the old key's file; False when there is none.

    Raises Conflict while any teacher's key is sealed with it.
    """
    with runtime.database.transaction() as connection:
        left = queries.sealed_otherwise(connection, runtime.vault.newest(), None, 1)
    if left:
        raise Conflict(
            "Keys are still sealed with the old master key: run the rotation to its end first. "
            f"Where a key cannot be opened, enter it again (teacher {left[0].name!r}).",
            code="rotation_unfinished",
        )
    with runtime.database.transaction() as connection:
        audit.note(runtime, connection, "master_key.forget", "master key")
    return master_keys.forget_previous(runtime.settings.home)


def _have_two_keys(runtime: Runtime) -> None:
    settings = runtime.settings
    if settings.master_key is None:
        master_keys.keep_pepper(settings.home, runtime.vault.pepper)
        master_keys.begin_rotation(settings.home)
    elif settings.previous_master_key is None:
        raise InvalidInput(
            "The master key comes from CULTIVAR_MASTER_KEY. Put a new one there and the old one "
            "into CULTIVAR_PREVIOUS_MASTER_KEY, start every process anew, then run this again."
        )
    else:
        master_keys.keep_pepper(settings.home, runtime.vault.pepper)


def _reseal(runtime: Runtime, connection: Connection, teacher: TeacherRecord) -> bool:
    """Seal one key anew; False when it cannot be opened."""
    try:
        key = runtime.vault.open(teacher.sealed_key or b"", teacher.id, teacher.base_url)
    except Conflict:
        return False
    sealed = runtime.vault.seal(key, teacher.id, teacher.base_url)
    queries.update(connection, teacher.id, {"sealed_key": sealed})
    return True
