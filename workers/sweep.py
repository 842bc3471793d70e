"""A process that only sweeps: `python -m workers.sweep` (every other worker sweeps as well)."""

import signal
import threading

from app import traces
from app.logs import configure_logs
from app.settings import Settings
from workers.process import Process


def main() -> None:
    """Sweep until told to end."""
    settings = Settings()
    configure_logs(settings.log_level, settings.secrets())
    traces.start("sweep", settings.otlp_endpoint)
    process = Process()
    process.refuse_strange_schema()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    process.start_sweeping()
    ended.wait()
    process.close()
    traces.listen(None)


if __name__ == "__main__":
    main()
