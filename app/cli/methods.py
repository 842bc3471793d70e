"""`cultivar methods`: what there is to choose from, and every option of it."""

import sys
from typing import Annotated

from typer import Argument, Option, Typer

from app.cli.terminal import AsJson, cell, console, show_json, show_table
from app.domain.options import OptionField
from app.use_cases import methods

commands = Typer()


@commands.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every method and its profiles."""
    found = methods.all_methods()
    if as_json:
        show_json(found)
        return
    show_table(
        ("name", "profiles", "what it is"),
        [(each.name, ", ".join(each.profiles), each.summary) for each in found],
    )


@commands.command("show")
def show(method: Annotated[str, Argument(help="its name")], as_json: AsJson = False) -> None:
    """One method: its options with their defaults and limits, and what each profile sets."""
    found = methods.get(method)
    if as_json:
        show_json(found)
        return
    console().print(f"{found.name}: {found.summary}")
    console().print(f"takes a set of {found.takes}, {found.seeds_wanted}")
    show_table(
        ("option", "kind", "default", "limits", "what it does"),
        [
            (each.name, _kind(each), each.default, _limits(each), each.help)
            for each in found.options
        ],
    )
    for name, values in found.profiles.items():
        listed = "".join(f"\n  {option}={cell(value)}" for option, value in values.items())
        console().print(f"profile {name}:{listed or ' the defaults'}")
    show_table(("prompt text", "placeholders", "needed"), map(_prompt_cells, found.prompts))


@commands.command("prompt")
def prompt(
    method: Annotated[str, Argument(help="its name")],
    name: Annotated[str, Argument(metavar="STEP", help="as `cultivar methods show` lists it")],
    language: Annotated[str, Option(help="en or zh")] = "en",
) -> None:
    """Our prompt text of a step, to start your own from: `... > mine.txt`."""
    sys.stdout.write(f"{methods.prompt_text(method, name, language)}\n")


def _prompt_cells(text: methods.PromptText) -> tuple[str, str, str]:
    return text.name, ", ".join(text.placeholders), ", ".join(text.required)


def _kind(field: OptionField) -> str:
    kind = " | ".join(field.choices) or field.kind
    return f"{kind} or null" if field.optional else kind


def _limits(field: OptionField) -> str:
    low, high = field.minimum, field.maximum
    if low is None and high is None:
        return ""
    return f"{'' if low is None else f'{low:,g}'} … {'' if high is None else f'{high:,g}'}"
