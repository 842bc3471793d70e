"""`cultivar compare`: two models' recorded answers, judged by a third one in both orders."""

import json
from pathlib import Path
from typing import Annotated

from typer import Option, echo

from app.cli.connection import connected
from app.cli.keys import AskForKey, KeyVariable, read_key
from app.cli.money import Money, Price
from app.cli.names import teacher_id
from app.cli.teacher_choice import Described, teacher_details
from app.cli.terminal import error_console
from app.domain.language import Language
from app.runtime import build_guard
from app.settings import Settings
from app.use_cases.comparing import Judge, as_json, described_judge, registered_judge
from app.use_cases.comparing_files import CompareWish, compare


def command(
    first: Annotated[Path, Option(help="answers of one model, such as predictions-before.jsonl")],
    second: Annotated[Path, Option(help="those of the other, such as predictions-after.jsonl")],
    out: Annotated[Path, Option(help="where judgements are kept; what it has is not asked again")],
    teacher: Annotated[str | None, Option(help="a registered teacher, by id or name")] = None,
    base_url: Annotated[str | None, Option(help="an OpenAI-compatible endpoint")] = None,
    model: Annotated[str | None, Option(help="its model")] = None,
    language: Annotated[Language, Option(help="of the question to the judge")] = Language.ENGLISH,
    api_key_env: KeyVariable = None,
    ask_key: AskForKey = False,
    input_price: Price = None,
    output_price: Price = None,
    budget_usd: Money = None,
    max_calls: Annotated[int | None, Option(min=1, help="judgements at most")] = None,
) -> None:
    """Prints how often the second answers better, as JSON: win rate, ties, bias of place.

    Rows need `prompt` and `response`, and are matched by `id`, or else by prompt.
    """
    key = read_key(api_key_env, ask_key)
    described = Described(
        registered=teacher,
        demo=False,
        base_url=base_url,
        model=model,
        key=key,
        input_price=input_price,
        output_price=output_price,
    )
    judge = _judge(described)
    console = error_console()

    def told(done: int, total: int) -> None:
        if done == total or done % 20 == 0:
            console.print(f"{done:,} of {total:,} judgements")

    wish = CompareWish(first, second, out, budget_usd, max_calls, language, build_guard(Settings()))
    found = compare(wish, judge, told)
    if found.left:
        console.print(f"{found.left:,} judgements are left: a cap was reached")
    echo(json.dumps(as_json(found), indent=2))


def _judge(described: Described) -> Judge:
    """A teacher of the service, or one described here or by the environment."""
    if described.registered is not None:
        with connected() as runtime:
            return registered_judge(runtime, teacher_id(runtime, described.registered))
    details = teacher_details(described, Settings())
    assert details is not None  # noqa: S101 - only for registered ones and the demo
    return described_judge(details, build_guard(Settings()))
