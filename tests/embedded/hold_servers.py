"""A process that runs the embedded servers until it is told to end; tests kill it in many ways."""

import json
import os
import sys
import time
from pathlib import Path

from app.embedded.servers import EmbeddedServers
from app.embedded.signals import ending_like_interrupt


def main(home: Path) -> None:
    """Print one JSON line once the servers run, then wait."""
    with ending_like_interrupt(), EmbeddedServers(home) as servers:
        assert servers.postgres.process is not None
        assert servers.valkey.process is not None
        told = {
            "pid": os.getpid(),
            "postgres": servers.postgres.process.pid,
            "valkey": servers.valkey.process.pid,
            "postgres_url": servers.postgres_url,
            "redis_url": servers.redis_url,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
