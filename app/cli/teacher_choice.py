"""Which teacher `cultivar generate` works with: a registered one, one described here, the demo."""

from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import SecretStr

from app.cli.names import teacher_id
from app.embedded.one_run import (
    DEFAULT_MODEL,
    check_prices,
    teacher_name,
    teacher_of_environment,
)
from app.errors import InvalidInput, Problem, Unavailable
from app.runtime import Runtime
from app.settings import Settings
from app.use_cases import teachers
from app.use_cases.first_steps import demo_teacher, ensure_teacher
from app.use_cases.teachers import TeacherDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What the command line says of a teacher; prices in micro-USD per million tokens."""

    registered: str | None
    demo: bool
    base_url: str | None
    model: str | None
    key: SecretStr | None
    input_price: int | None
    output_price: int | None


def teacher_details(described: Described, settings: Settings) -> TeacherDetails | None:
    """A teacher to register, or None for a registered one and for the demo.

    What is not said comes from the environment; only its own address gets the environment's key.
    Raises InvalidInput when a part is missing, such as a price.
    """
    if described.registered is not None or described.demo:
        return None
    if described.base_url is None:
        _need_key(described, settings)
        details = _of_environment(described, settings)
    else:
        model = described.model or settings.model or DEFAULT_MODEL
        details = TeacherDetails(
            name=teacher_name(described.base_url, model),
            base_url=described.base_url,
            model=model,
            api_key=described.key,
            input_micro_usd_per_million=described.input_price,
            output_micro_usd_per_million=described.output_price,
        )
    check_prices(details)
    return details


def _of_environment(described: Described, settings: Settings) -> TeacherDetails:
    known = teacher_of_environment(settings)
    model = described.model or known.model
    read, written = described.input_price, described.output_price
    return replace(
        known,
        model=model,
        name=teacher_name(known.base_url, model),
        api_key=described.key or known.api_key,
        input_micro_usd_per_million=known.input_micro_usd_per_million if read is None else read,
        output_micro_usd_per_million=(
            known.output_micro_usd_per_million if written is None else written
        ),
    )


def _need_key(described: Described, settings: Settings) -> None:
    if described.key is None and settings.openai_api_key is None:
        problem = Problem(
            "/teacher",
            "missing_field",
            "give --teacher NAME, or --base-url with --model, or set OPENAI_API_KEY, or try --demo",
        )
        raise InvalidInput("No teacher is named.", problems=[problem])


def chosen_teacher(
    runtime: Runtime, described: Described, details: TeacherDetails | None, demo_url: str | None
) -> UUID:
    """The teacher in the database, tried out; raises TeacherFailure when it does not answer."""
    if described.registered is not None:
        found = teacher_id(runtime, described.registered)
    elif details is not None:
        found = ensure_teacher(runtime, details).id
    else:
        found = revived_demo_teacher(runtime, demo_url)
    teachers.check(runtime, found)
    return found


def revived_demo_teacher(runtime: Runtime, demo_url: str | None) -> UUID:
    """The demo teacher at its present address; raises Unavailable where none runs."""
    if demo_url is None:
        raise Unavailable("No demo teacher runs: give --demo, without a CULTIVAR_DATABASE_URL.")
    return ensure_teacher(runtime, demo_teacher(demo_url)).id
