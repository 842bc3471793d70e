"""What is kept for a time only: raw replies, exports, idempotency keys; the sweep sees to it."""

from dataclasses import dataclass

from app.db import exports, once, retention, workers
from app.runtime import Runtime
from app.use_cases.export_files import remove_files

RETENTION = "retention"
_DAY_S = 24 * 3600.0
_EVERY_S = 600.0
_REPLIES_AT_ONCE = 1000
_EXPORTS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Removed:
    """How many of each one step removed; all zeros when it was not its time."""

    replies: int = 0
    exports: int = 0
    keys: int = 0


def keep_up(runtime: Runtime) -> Removed:
    """Remove a small batch of what is older than the settings say; raises Unavailable.

    While there is more it goes on with each sweep, else it looks every ten minutes.
    """
    settings = runtime.settings
    with runtime.database.transaction() as connection:
        if not retention.try_lock(connection):
            return Removed()
        age_s = workers.seconds_since_sweep(connection, RETENTION)
        if age_s is not None and age_s < _EVERY_S:
            return Removed()
        keys = once.forget_old(connection, older_than_s=settings.retain_keys_days * _DAY_S)
        replies = export_count = 0
        if settings.retain_replies_days > 0:
            kept_s = settings.retain_replies_days * _DAY_S
            replies = retention.forget_raw(connection, kept_s=kept_s, most=_REPLIES_AT_ONCE)
        if settings.retain_exports_days > 0:
            kept_s = settings.retain_exports_days * _DAY_S
            old = retention.old_exports(connection, kept_s=kept_s, most=_EXPORTS_AT_ONCE)
            for export_id in old:
                exports.delete(connection, export_id)
            remove_files(runtime, old)
            export_count = len(old)
        if replies < _REPLIES_AT_ONCE and export_count < _EXPORTS_AT_ONCE:
            workers.swept(connection, RETENTION)
    return Removed(replies, export_count, keys)
