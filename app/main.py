"""The web process: a runtime in, a FastAPI application out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from uuid import UUID

from anyio import CapacityLimiter
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from app import traces
from app.api import (
    api_keys,
    audit_log,
    comparisons,
    description,
    document_sets,
    errors,
    estimates,
    evaluation_sets,
    exports,
    filters,
    health,
    jobs,
    labelled_sets,
    methods,
    metrics,
    problem_texts,
    pushes,
    reports,
    reviews,
    rows,
    seed_sets,
    teachers,
    template_sets,
    training_runs,
    tuning_methods,
    worth,
)
from app.api.address_book import AddressBook
from app.api.body_stream import DEFAULT_IDLE_S, read_body
from app.api.desk import Desk
from app.api.envelope import Envelope
from app.api.gate import Gate, desk_of
from app.api.metrics import MetricsBoard
from app.api.observation import Observation
from app.api.pollers import SHORT_POLL_S, Pollers
from app.api.scopes import RULES
from app.api.status_board import StatusBoard
from app.api.upload_file import uploaded
from app.dashboard import router as dashboard
from app.dashboard.live import Look
from app.dashboard.rendering import failure_page
from app.dashboard.scopes import RULES as PAGE_RULES
from app.domain.gatekeeping import Rules
from app.logs import configure_logs
from app.runtime import Runtime, build_runtime
from app.settings import Settings
from app.use_cases import watching
from app.use_cases.metrics import samples

UPLOADS_READ_AT_ONCE = 4
FAMILIES = (
    seed_sets,
    template_sets,
    labelled_sets,
    document_sets,
    teachers,
    methods,
    filters,
    evaluation_sets,
    estimates,
    jobs,
    reports,
    rows,
    reviews,
    exports,
    pushes,
    training_runs,
    worth,
    comparisons,
    api_keys,
    audit_log,
    tuning_methods,
    health,
    metrics,
    problem_texts,
)


def create_app() -> FastAPI:
    """The application of a process of its own: it builds its runtime when it starts."""
    return _application(None, DEFAULT_IDLE_S)


def build_app(runtime: Runtime, *, body_idle_s: float = DEFAULT_IDLE_S) -> FastAPI:
    """The application over a given runtime, which stays the caller's to close."""
    return _application(runtime, body_idle_s)


def _application(runtime: Runtime | None, body_idle_s: float) -> FastAPI:
    app = FastAPIOffline(
        title=description.TITLE,
        summary=description.SUMMARY,
        description=description.DESCRIPTION,
        lifespan=_own_runtime if runtime is None else None,
        redirect_slashes=False,
        swagger_ui_parameters={"validatorUrl": None},
    )
    app.state.runtime = runtime
    app.state.desk = None
    app.state.desk_of = desk_of
    app.state.body_idle_s = body_idle_s
    pollers = Pollers(monotonic)
    app.state.status_board = StatusBoard[UUID](
        lambda job_id: jobs.status_json(app.state.runtime, job_id),
        pollers=pollers,
        pulse=lambda job_id: watching.pulse(app.state.runtime, job_id),
    )
    app.state.look_board = StatusBoard[Look](
        lambda look: look.body(app.state.runtime),
        fresh_s=SHORT_POLL_S,
        pollers=pollers,
    )
    app.state.read_body = read_body
    app.state.uploaded = uploaded
    app.state.metrics_board = MetricsBoard(lambda: samples(app.state.runtime))
    app.state.upload_limiter = CapacityLimiter(UPLOADS_READ_AT_ONCE)
    for family in FAMILIES:
        app.include_router(family.router)
    app.include_router(dashboard.router)
    errors.install(app)
    description.install(app)
    app.state.address_book = AddressBook(app.openapi())
    app.add_middleware(Gate, rules=Rules([*RULES, *PAGE_RULES]), failure_page=failure_page)
    app.add_middleware(Envelope)
    app.add_middleware(Observation, board=app.state.metrics_board)
    return app


@asynccontextmanager
async def _own_runtime(app: FastAPI) -> AsyncIterator[None]:
    settings = Settings()
    configure_logs(settings.log_level, settings.secrets())
    traces.start("api", settings.otlp_endpoint)
    runtime = build_runtime(settings)
    app.state.runtime = runtime
    runtime.vault.newest()  # now, so that a master key that others can read stops the start
    app.state.desk = Desk(runtime)  # as, so that a token that others can read stops the start
    try:
        yield
    finally:
        runtime.close()
        traces.listen(None)
