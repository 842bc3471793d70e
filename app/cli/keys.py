"""A teacher's key: from a variable, a prompt or a pipe, never from an argument others could see."""

import os
import sys
from typing import Annotated

import typer
from pydantic import SecretStr
from typer import Option

from app.errors import InvalidInput, Problem

KeyVariable = Annotated[
    str | None, Option("--api-key-env", metavar="NAME", help="the variable that holds the key")
]
AskForKey = Annotated[
    bool, Option("--ask-key", help="ask for the key, or read it from a pipe: never an argument")
]


def read_key(variable: str | None, ask: bool) -> SecretStr | None:
    """The key, or None when none was spoken of; raises InvalidInput when it is not there."""
    if variable is not None:
        key = os.environ.get(variable, "").strip()
        if not key:
            problem = Problem(
                "/api-key-env", "missing_field", f"the variable {variable} is not set"
            )
            raise InvalidInput("The key cannot be read.", problems=[problem])
        return SecretStr(key)
    if not ask:
        return None
    if sys.stdin.isatty():
        return SecretStr(typer.prompt("API key", hide_input=True, err=True).strip())
    return SecretStr(sys.stdin.readline().strip())
