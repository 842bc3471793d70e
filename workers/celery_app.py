"""The Celery application of the workers: its tasks, and how a process begins and ends."""

import gc
from typing import Any

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
    "workers.exports",
    "workers.training.tasks",
)
_log = structlog.get_logger(__name__)


@signals.setup_logging.connect
def _log_as_we_do(**_: object) -> None:
    """With a listener here Celery leaves the logs alone."""
    configure_logs(Settings().log_level)


@signals.worker_init.connect
def _begin(sender: Any, **_: object) -> None:
    traces.start("worker", Settings().otlp_endpoint)
    process.threads = sender.concurrency
    process.refuse_strange_schema()


@signals.celeryd_after_setup.connect
def _ready(instance: Any, **_: object) -> None:
    """Before there is a broker, and whether or not there is one: Postgres tells what to do."""
    _collect_garbage_seldom()
    process.start_sweeping()
    process.start_looking(instance.app.amqp.queues.consume_from)


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
