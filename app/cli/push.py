"""`cultivar exports push`: a finished export to a hub or an S3-compatible store."""

import os
from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import SecretStr
from typer import Argument, BadParameter, Option

from app.cli.connection import connected
from app.cli.terminal import AsJson, console, show_json
from app.errors import InvalidInput
from app.files.hub_store import HubTarget
from app.files.s3_store import S3Target
from app.use_cases import pushing

_TOKEN_VARIABLE = "HF_TOKEN"  # noqa: S105 - the name of a variable, not a token


def push(
    export: Annotated[UUID, Argument(metavar="EXPORT", help="its id")],
    hub: Annotated[
        str | None, Option(metavar="OWNER/NAME", help="a dataset repository; made if missing")
    ] = None,
    s3: Annotated[
        str | None, Option(metavar="BUCKET[/PREFIX]", help="a bucket, and what keys begin with")
    ] = None,
    endpoint: Annotated[
        str | None, Option(help="address of the hub or store; else the setting's")
    ] = None,
    token_file: Annotated[
        Path | None,
        Option(
            help="file with the hub's token; without --endpoint else CULTIVAR_HUB_TOKEN or HF_TOKEN"
        ),
    ] = None,
    public: Annotated[bool, Option("--public", help="make the repository a public one")] = False,
    revision: Annotated[str, Option(help="branch of the repository")] = "main",
    as_json: AsJson = False,
) -> None:
    """Send the files of an export with their card. Keys of S3 are found as boto3 finds them."""
    if (hub is None) == (s3 is None):
        raise BadParameter("give either --hub or --s3", param_hint="--hub")
    with connected() as runtime:
        if hub is not None:
            target = HubTarget(hub, not public, revision)
            known = _token(token_file)
            if endpoint is None and known is None:  # the environment's is not any other hub's
                known = runtime.settings.hub_token or _from_environment()
            found = pushing.to_hub(runtime, export, target, token=known, endpoint=endpoint)
        else:
            bucket, _, prefix = (s3 or "").removeprefix("s3://").partition("/")
            found = pushing.to_s3(runtime, export, S3Target(bucket, prefix), endpoint=endpoint)
    if as_json:
        told = [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in found.files]
        show_json({"where": found.where, "files": told})
        return
    console().print(f"pushed {len(found.files)} files: {found.where}")


def _from_environment() -> SecretStr | None:
    told = os.environ.get(_TOKEN_VARIABLE)
    return SecretStr(told) if told else None


def _token(path: Path | None) -> SecretStr | None:
    """What the file holds, which is read and nothing more."""
    if path is None:
        return None
    try:
        return SecretStr(path.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        told = f"The token file {path} cannot be read: {type(error).__name__}."
        raise InvalidInput(told) from None
