"""`cultivar rotate-master-key`: seal every teacher's key with a new master key."""

from typing import Annotated

from typer import Exit, Option

from app.cli.connection import connected
from app.cli.errors import FAILED
from app.cli.terminal import console
from app.runtime import Runtime
from app.use_cases import key_rotation


def command(
    forget_previous: Annotated[
        bool, Option("--forget-previous", help="afterwards: remove the old master key")
    ] = False,
) -> None:
    """Nothing needs to stop meanwhile. Interrupted, run it again: it goes on where it was."""
    with connected() as runtime:
        if forget_previous:
            gone = key_rotation.forget_previous(runtime)
            console().print("The old master key is gone." if gone else "There is no old key.")
        else:
            _rotate(runtime)


def _rotate(runtime: Runtime) -> None:
    rotated = key_rotation.rotate(runtime)
    console().print(f"{rotated.resealed} keys are sealed with the new master key.")
    for name in rotated.unreadable:
        console().print(f"The key of {name!r} cannot be opened: enter it again.", markup=False)
    if rotated.unreadable:
        raise Exit(FAILED)
