"""How the rows of the table in docs/filters.md begin: what a program can tell of each filter."""

from app.domain.filtering import described
from app.domain.options import OptionField
from app.domain.profiles import DEFAULT_FILTERS

_DESCRIBED = {each.name: each for each in described()}


def start_of(name: str) -> str:
    """The first columns of a filter's row: name, what it looks at, default, settings."""
    found = _DESCRIBED[name]
    default = DEFAULT_FILTERS.get(name, "off")
    settings = ", ".join(map(_setting, found.settings))
    return f"| `{name}` | {found.kind} | {default} | {settings} |"


def _setting(field: OptionField) -> str:
    """A setting with its default; of a list of texts, how many."""
    if field.kind == "list" and not field.choices:
        return f"`{field.name}`"
    value = field.default
    shown = " ".join(map(str, value)) if isinstance(value, list) else str(value).lower()
    return f"`{field.name}` {shown}"
