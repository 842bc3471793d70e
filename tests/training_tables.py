"""The tables in docs/training.md, made of the code's own words.

`python -m tests.training_tables` writes them; a test compares.
"""

import re
import sys

from app.domain.training_config import config_fields
from app.domain.tuning import TUNING_METHODS, servable
from app.embedded.migrate import ROOT

PAGE = ROOT / "docs" / "training.md"


def methods_table() -> str:
    """Every method and what it allows."""
    lines = [
        "| method | what it is | packs | checkpointing | rate | vLLM | merges | own settings |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, each in TUNING_METHODS.items():
        can = servable(name)
        cells = [f"`{name}`", f"{each.title} ({each.paper})", *map(_word, (each.packing,))]
        cells += [_word(each.checkpointing), f"{each.learning_rate:g}", _word(can["vllm"])]
        cells += [_word(can["merged"]), ", ".join(f"`{option}`" for option in each.options)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def settings_table() -> str:
    """Every setting with its default."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for field in config_fields():
        if field.name not in ("base_model", "method"):
            default = "" if field.default in (None, []) else f"`{field.default}`"
            lines.append(f"| `{field.name}` | {default} | {field.help} |")
    return "\n".join(lines) + "\n"


TABLES = {"methods": methods_table, "settings": settings_table}


def between(page: str, name: str) -> str:
    """What the page has between the marks of a table."""
    found = re.search(rf"<!-- {name} -->\n(.*)<!-- end of {name} -->\n", page, re.DOTALL)
    return found[1] if found else ""


def write() -> None:
    """Put the present tables into the page."""
    page = PAGE.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        before, _, rest = page.partition(begin)
        page = before + begin + table() + end + rest.partition(end)[2]
    PAGE.write_text(page, encoding="utf-8")


def _word(value: bool) -> str:
    return "yes" if value else "no"


if __name__ == "__main__":
    write()
    sys.stdout.write(f"wrote {PAGE}\n")
