"""The method of a job as described, in the language of its seed set where that leaves a choice."""

from collections.abc import Mapping

from app.domain.foreign import is_known, primary
from app.domain.language import language_of
from app.domain.methods import METHODS
from app.domain.options import option_fields
from app.domain.profiles import PublishedMethod, configure
from app.domain.spoken import SpokenMethod
from app.domain.stored import SeedSet
from app.errors import Problem


def configured(
    name: str, profile: str, options: Mapping[str, object], seed_set: SeedSet | None
) -> tuple[PublishedMethod | None, list[Problem]]:
    """The method with its options, or everything that is wrong with them."""
    if name not in METHODS:
        known = ", ".join(METHODS)
        return None, [Problem("/method", "unknown_method", f"unknown; known: {known}")]
    if seed_set is not None:
        options = _in_language(METHODS[name], profile, options, seed_set.language)
    method, problems = configure(METHODS[name], profile, options)
    if isinstance(method, SpokenMethod) and (untold := _untold(method)):
        return None, [untold]
    return method, list(problems)


def _untold(method: SpokenMethod) -> Problem | None:
    """A check of languages that would drop nothing, whatever comes."""
    if not method.check_language or is_known(method.wanted_language):
        return None
    detail = (
        f"nothing here tells rows in {method.row_language!r} from others; give a tag such as de, "
        "or set check_language to false"
    )
    return Problem("/options/row_language", "unknown_language", detail)


def _in_language(
    method: type[PublishedMethod], profile: str, options: Mapping[str, object], tag: str
) -> Mapping[str, object]:
    """Options that say in which language the method speaks and in which its rows shall be.

    `tag` is what the seed set calls its language; options and profile come before it.
    """
    speaks = any(each.name == "language" for each in option_fields(method))
    if not speaks or "language" in {**method.PROFILES.get(profile, {}), **options}:
        return options
    spoken = str(language_of(tag))
    if primary(tag) == spoken or spoken == "zh":
        return {"language": spoken, **options}
    known = {} if is_known(primary(tag)) else {"check_language": False}
    return {"language": spoken, "row_language": primary(tag), **known, **options}
