"""Drops an instruction that asks for a picture, or about one that nobody has shown."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re
from dataclasses import dataclass

_THINGS = (  # but no sketch of a character, and no drawing of lots
    r"(?:image|picture|photo(?:graph)?|(?<!of )drawing|painting|(?<!cter )(?<!ical )sketch"
    r"|illustration|infographic|cartoon|collage|flow ?chart|diagram|screenshot)s?\b"
)
_NOT_ON_PAPER = r"(?!conclusion|comparison|parallel|line|wall|room|house|fence|door)"
_ASKED = re.compile(
    r"\b(?:draw|paint|sketch|render|generate|create|make|produce|design|show|provide|upload"
    rf"|attach|edit|find)\b(?: \w+){{0,4}}? {_THINGS}"
    rf"|\b(?:draw|paint|sketch) (?:me |us )?(?:an?|the) {_NOT_ON_PAPER}\w+"
    rf"|\b(?:this|the (?:following|given|attached|above|below)|attached) {_THINGS}"
    r"|(?:画|绘制|生成|制作|设计|创建|提供)[^，。！？\n]{0,10}(?:图像|图片|照片|图画|插图|流程图|漫画|幅画)"
    r"|(?:这张|这幅|下面的|以下的?|附上的|给定的?)(?:图像|图片|照片|画|图表)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A noise class of AlpacaDataCleaned (https://github.com/gururise/AlpacaDataCleaned).

    Unlike the published lists of unfit words it wants a request, so that a text may speak of
    pictures.
    """

    def reason(self, instruction: str) -> str | None:
        return "image_request" if _ASKED.search(instruction) else None
