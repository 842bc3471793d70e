"""The Celery application of the workers: its tasks, and how a process begins and ends."""

import gc
from typing import Any
from uuid import UUID

import structlog
from celery import signals

from app import traces
from app.logs import configure_logs
from app.settings import Settings
from app.wakeups import make_celery
from workers.process import Process

# Celery's command line wants these two as module attributes; without a broker nothing connects.
celery_app = make_celery(Settings().redis_url or "memory://")
process = Process()

celery_app.conf.imports = (
    "workers.generation",
    "workers.admission",
    "workers.comparisons",
    "workers.exports",
    "workers.training.tasks",
)
_ID_CHARACTERS = 36
_log = structlog.get_logger(__name__)


@signals.setup_logging.connect
def _log_as_we_do(**_: object) -> None:
    """With a listener here Celery leaves the logs alone."""
    settings = Settings()
    configure_logs(settings.log_level, settings.secrets())


def row_named(given: object) -> UUID | None:
    """The row that a message names; None, with a line in the log, for one that names none.

    Whoever can write to Redis can say anything, so nothing else in a message is used.
    """
    if isinstance(given, str) and len(given) == _ID_CHARACTERS:
        try:
            return UUID(given)
        except ValueError:
            pass
    _log.warning("wake_refused", kind=type(given).__name__)
    return None


@signals.worker_init.connect
def _begin(sender: Any, **_: object) -> None:
    _log_as_we_do()  # before Celery asks for it: what ends a process here is to be told
    _forget_builtins(sender.app)
    traces.start("worker", Settings().otlp_endpoint)
    process.threads = sender.concurrency
    process.refuse_strange_schema()


@signals.celeryd_after_setup.connect
def _ready(instance: Any, **_: object) -> None:
    """Before there is a broker, and whether or not there is one: Postgres tells what to do."""
    _collect_garbage_seldom()
    queues = instance.app.amqp.queues.consume_from
    process.require_master_key(queues)
    process.start_sweeping()
    process.start_looking(queues)


def _forget_builtins(app: Any) -> None:
    """Celery brings tasks that run other tasks; ours are told to look at a row, and that is all."""
    for name in [each for each in app.tasks if each.startswith("celery.")]:
        del app.tasks[name]


def _collect_garbage_seldom() -> None:
    """What is imported stays: looked through each time, it stops every thread for 0.2 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@signals.worker_shutting_down.connect
def _stop(**_: object) -> None:
    process.stop()


@signals.worker_shutdown.connect
def _end(**_: object) -> None:
    process.close()
    traces.listen(None)
