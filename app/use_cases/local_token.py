"""The token of a single machine: made at the first start, in a file that its owner alone can read.

On loopback a token is no luxury: other users of the machine and every web page that a browser
shows reach it too (which is why Jupyter has one).
"""

import os
import secrets
import stat
from pathlib import Path

from app.domain.api_keys import LOCAL_MARK, SECRET_BYTES
from app.errors import InvalidInput

FILE = "token"
_SHORTEST = len(LOCAL_MARK) + 32


def local_token(home: Path) -> str:
    """The token in HOME/token, made (0600) when absent.

    Raises InvalidInput when others can read it, or when it holds none. Of several processes that
    make it at once, one wins and all read its token.
    """
    path = home / FILE
    if not path.exists():
        _make(path)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidInput(f"{path} can be read by others. Mend it: chmod 600 {path}")
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < _SHORTEST or not token.startswith(LOCAL_MARK):
        raise InvalidInput(f"{path} holds no token. Remove it, and the next start makes a new one.")
    return token


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(LOCAL_MARK + secrets.token_urlsafe(SECRET_BYTES) + "\n")
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
