"""Under whose name Postgres runs, since it refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass

from app.embedded.errors import EmbeddedError

NOBODY = 65534


@dataclass(frozen=True)
class Account:
    """A command prefix that changes the account, and who must own the files then (None: we do)."""

    prefix: tuple[str, ...] = ()
    owner: int | None = None


def choose_account() -> Account:
    """Return how to start Postgres here.

    An ordinary user runs it as is. Root, and a user without a name (initdb wants one), runs it in
    a user namespace where it is somebody else: the files stay ours. Where namespaces are
    forbidden, root hands the files to an account without rights.

    Raises EmbeddedError when none of these works.
    """
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return Account()
    namespace = _namespace_prefix()
    if namespace:
        return Account(namespace)
    setpriv = shutil.which("setpriv")
    if os.geteuid() == 0 and setpriv:
        return unprivileged_account(setpriv)
    raise EmbeddedError(
        "Postgres does not run as root (or as a user without a name), and this machine has "
        "neither `unshare` with user namespaces nor `setpriv`; run as an ordinary user"
    )


def unprivileged_account(setpriv: str) -> Account:
    """Return the account without rights that root falls back to."""
    ids = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    return Account((setpriv, *ids), owner=NOBODY)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _namespace_prefix() -> tuple[str, ...]:
    unshare = shutil.which("unshare")
    names = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    if not unshare or not names:
        return ()
    uid = names[0].pw_uid
    prefix = (unshare, "--user", f"--map-user={uid}", f"--map-group={uid}")
    trial = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if trial.returncode == 0 else ()
