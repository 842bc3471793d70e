"""Drops a row with a web link in it, which most teachers invent and none can open."""

import re
from dataclasses import dataclass

from app.domain.filter import parts
from app.domain.options import option
from app.domain.records import Instance

_LINK = re.compile(r"https?://|www\.")


@dataclass(frozen=True, slots=True)
class Link:
    """A noise class of AlpacaDataCleaned (https://github.com/gururise/AlpacaDataCleaned).

    Its README blames links in inputs, as the teacher then makes up what stands behind them.
    """

    where: tuple[str, ...] = option(
        ("input",), "parts that are looked at", choices=("instruction", "input", "output")
    )

    def reason(self, instruction: str, instance: Instance) -> str | None:
        found = any(_LINK.search(text) for text in parts(instruction, instance, self.where))
        return "link" if found else None
