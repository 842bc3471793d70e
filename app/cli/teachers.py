"""`cultivar teachers`: register models that write rows, try them out, change them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from typer import Argument, BadParameter, Option, Typer

from app.cli.connection import connected
from app.cli.keys import AskForKey, KeyVariable, read_key
from app.cli.money import BatchPrice, Price
from app.cli.names import teacher_id
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    dollars,
    show_facts,
    show_json,
    show_page,
)
from app.domain.stored import TeacherRecord
from app.use_cases import teachers
from app.use_cases.teachers import TeacherDetails

commands = Typer()
Named = Annotated[str, Argument(metavar="TEACHER", help="its id, or its name")]
Json = Annotated[str | None, Option(metavar="JSON", help="further members of every request's body")]
_COLUMNS = ("id", "name", "model", "base URL", "#input", "#output", "key")


@commands.command("add")
def add(
    name: Annotated[str, Argument(help="what to call it")],
    base_url: Annotated[str, Option(help="such as https://api.openai.com/v1")],
    model: Annotated[str, Option(help="the model's name there")],
    endpoint: Annotated[str, Option(help="chat, completions, embeddings or score")] = "chat",
    api_key_env: KeyVariable = None,
    ask_key: AskForKey = False,
    input_price: Price = None,
    output_price: Price = None,
    batch_input_price: BatchPrice = None,
    batch_output_price: BatchPrice = None,
    context_length: Annotated[int | None, Option(help="tokens")] = None,
    max_concurrency: Annotated[int, Option(help="calls at once")] = 20,
    requests_per_minute: Annotated[int | None, Option(help="limit")] = None,
    tokens_per_minute: Annotated[int | None, Option(help="limit")] = None,
    extra_body: Json = None,
    timeout_s: Annotated[float, Option(help="seconds to wait for a reply")] = 180.0,
    terms: Annotated[str, Option(help="what its terms of use say of its output")] = "",
    simulated: Annotated[bool, Option("--simulated", help="its rows are not real data")] = False,
    as_json: AsJson = False,
) -> None:
    """Register an OpenAI-compatible teacher."""
    details = TeacherDetails(
        name=name,
        base_url=base_url,
        model=model,
        endpoint=endpoint,
        api_key=read_key(api_key_env, ask_key),
        input_micro_usd_per_million=input_price,
        output_micro_usd_per_million=output_price,
        batch_input_micro_usd_per_million=batch_input_price,
        batch_output_micro_usd_per_million=batch_output_price,
        context_length=context_length,
        max_concurrency=max_concurrency,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        extra_body=_members(extra_body) or {},
        timeout_s=timeout_s,
        terms=terms,
        simulated=simulated,
    )
    with connected() as runtime:
        added = teachers.add(runtime, details)
    show_json(added) if as_json else console().print(f"added: {added.id}  {added.name}")


@commands.command("list")
def list_(limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False) -> None:
    """Teachers, newest first; prices per million tokens."""
    with connected() as runtime:
        page = teachers.page(runtime, cursor=cursor, limit=limit)
    show_page(page, as_json, _COLUMNS, map(_cells, page.items))


@commands.command("show")
def show(teacher: Named, as_json: AsJson = False) -> None:
    """One teacher."""
    with connected() as runtime:
        found = teachers.get(runtime, teacher_id(runtime, teacher))
    show_json(found) if as_json else show_facts(_facts(found))


@commands.command("change")
def change(
    teacher: Named,
    name: Annotated[str | None, Option(help="a new name")] = None,
    base_url: Annotated[str | None, Option(help="another host needs the key again")] = None,
    model: Annotated[str | None, Option(help="the model's name there")] = None,
    endpoint: Annotated[str | None, Option(help="chat, completions, embeddings or score")] = None,
    api_key_env: KeyVariable = None,
    ask_key: AskForKey = False,
    no_key: Annotated[bool, Option("--no-key", help="forget the stored key")] = False,
    input_price: Price = None,
    output_price: Price = None,
    batch_input_price: BatchPrice = None,
    batch_output_price: BatchPrice = None,
    context_length: Annotated[int | None, Option(help="tokens")] = None,
    max_concurrency: Annotated[int | None, Option(help="calls at once")] = None,
    requests_per_minute: Annotated[int | None, Option(help="limit")] = None,
    tokens_per_minute: Annotated[int | None, Option(help="limit")] = None,
    extra_body: Json = None,
    timeout_s: Annotated[float | None, Option(help="seconds to wait for a reply")] = None,
    terms: Annotated[str | None, Option(help="what its terms say of its output")] = None,
    as_json: AsJson = False,
) -> None:
    """Change what is named, leave the rest."""
    given = {
        "name": name,
        "base_url": base_url,
        "model": model,
        "endpoint": endpoint,
        "api_key": read_key(api_key_env, ask_key),
        "input_micro_usd_per_million": input_price,
        "output_micro_usd_per_million": output_price,
        "batch_input_micro_usd_per_million": batch_input_price,
        "batch_output_micro_usd_per_million": batch_output_price,
        "context_length": context_length,
        "max_concurrency": max_concurrency,
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
        "extra_body": _members(extra_body),
        "timeout_s": timeout_s,
        "terms": terms,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    if no_key:
        changes["api_key"] = None
    if not changes:
        raise BadParameter("say what to change, such as --model NAME")
    with connected() as runtime:
        changed = teachers.change(runtime, teacher_id(runtime, teacher), changes)
    show_json(changed) if as_json else show_facts(_facts(changed))


@commands.command("test")
def try_out(teacher: Named, as_json: AsJson = False) -> None:
    """Ask the teacher one tiny question."""
    with connected() as runtime:
        report = teachers.check(runtime, teacher_id(runtime, teacher))
    show_json(report) if as_json else show_facts(_report(report))


@commands.command("delete")
def delete(teacher: Named) -> None:
    """Remove a teacher that no job uses."""
    with connected() as runtime:
        teachers.delete(runtime, teacher_id(runtime, teacher))
    console().print("deleted")


def _members(text: str | None) -> Mapping[str, object] | None:
    if text is None:
        return None
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadParameter(f"--extra-body is not JSON: {error.msg}") from None
    if not isinstance(value, dict):
        raise BadParameter("--extra-body must be a JSON object")
    return value


def _cells(found: TeacherRecord) -> Sequence[object]:
    prices = (found.input_micro_usd_per_million, found.output_micro_usd_per_million)
    key = f"…{found.key_last4}" if found.key_last4 else ("yes" if found.sealed_key else "no")
    return (found.id, found.name, found.model, found.base_url, *map(dollars, prices), key)


def _facts(found: TeacherRecord) -> Mapping[str, object]:
    facts = {name: getattr(found, name) for name in TeacherRecord.__slots__ if name != "sealed_key"}
    for name in ("input", "output", "batch_input", "batch_output"):
        facts[f"{name} per million tokens"] = dollars(facts.pop(f"{name}_micro_usd_per_million"))
    return {name.replace("_", " "): value for name, value in facts.items()}


def _report(report: Any) -> Mapping[str, object]:
    return {name.replace("_", " "): getattr(report, name) for name in type(report).__slots__}
