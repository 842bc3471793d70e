"""The command line as its documentation lists it: each command, what it does, its options."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from app.cli.main import COMMANDS, root


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name."""
    for name in COMMANDS:
        command: Any = get_command(root([name]))
        command = command.commands[name]
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
            continue
        for each, found in inner.items():
            yield f"{name} {each}", found


def listing() -> str:
    """The part of docs/cli.md between its marks."""
    return "\n".join(_section(name, command) for name, command in commands())


def _section(name: str, command: Any) -> str:
    summary, _, rest = command.help.strip().partition("\n\n")
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    words = " ".join(["cultivar", name, *(_argument(each) for each in arguments)])
    lines = [f"### {name}", "", f"`{words}`", "", _flowing(summary)]
    if rest:
        lines += ["", _flowing(rest)]
    shown = [_row(each) for each in options if each.name != "help"]
    if shown:
        lines += ["", "| option | |", "|---|---|", *shown]
    return "\n".join([*lines, ""])


def _argument(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _row(parameter: Any) -> str:
    flag = f"`{parameter.opts[0]}`"
    notes = [parameter.help]
    if parameter.required:
        notes.append("required")
    elif _told(parameter.default):
        notes.append(f"default `{getattr(parameter.default, 'value', parameter.default)}`")
    return f"| {flag} | {'; '.join(notes)} |"


def _told(default: object) -> bool:
    return default not in (None, "", False) and default != () and default != []


def _flowing(text: str) -> str:
    return " ".join(text.split())
