"""Pushing an export to a dataset repository of the hub, or to a bucket of the store.

Keys and addresses are the service's own, as over REST: none is taken from a form, and no key is
ever shown.
"""

from collections.abc import Callable
from uuid import UUID

from anyio import to_thread
from fastapi import Response

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, SentForm
from app.dashboard.live import Board, BoardOfApp
from app.dashboard.pages.exports import PushOutcome, export_page
from app.errors import CultivarError, NotFound
from app.files.hub_store import HubTarget
from app.files.s3_store import S3Target
from app.runtime import Runtime
from app.use_cases import exports, pushing
from app.use_cases.pushing import Pushed

router = page_router()


@router.post("/dashboard/exports/{export_id}/push/hub", dependencies=from_our_pages)
async def push_to_hub(
    runtime: RuntimeOfApp, board: BoardOfApp, export_id: UUID, form: SentForm
) -> Response:
    """Commit the files of an export with their card; answers when they are there."""
    revision = form.text("revision") or "main"
    target = HubTarget(form.text("repo"), bool(form.text("private")), revision)
    outcome = await _tried(form, lambda: pushing.to_hub(runtime, export_id, target))
    return await _shown(runtime, board, export_id, outcome)


@router.post("/dashboard/exports/{export_id}/push/s3", dependencies=from_our_pages)
async def push_to_s3(
    runtime: RuntimeOfApp, board: BoardOfApp, export_id: UUID, form: SentForm
) -> Response:
    """Upload the files of an export with their card; answers when they are there."""
    target = S3Target(form.text("bucket"), form.text("prefix"))
    outcome = await _tried(form, lambda: pushing.to_s3(runtime, export_id, target))
    return await _shown(runtime, board, export_id, outcome)


async def _tried(form: Form, push: Callable[[], Pushed]) -> PushOutcome:
    """What a push came to, its failure beside the fields as they were typed."""
    try:
        return PushOutcome(form, pushed=await to_thread.run_sync(push))
    except NotFound:
        raise
    except CultivarError as error:
        return PushOutcome(form, error=error)


async def _shown(runtime: Runtime, board: Board, export_id: UUID, outcome: PushOutcome) -> Response:
    export = await to_thread.run_sync(exports.get, runtime, export_id)
    return await export_page(runtime, board, export, outcome)
