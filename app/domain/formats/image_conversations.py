"""Conversations about images, in the layout that LLaVA published and others took over.

Liu et al. 2023, https://arxiv.org/abs/2304.08485.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format
from app.domain.options import option
from app.domain.records import Role, Row
from app.domain.turns import turns

_SPEAKERS = {Role.USER: "human", Role.ASSISTANT: "gpt"}


@dataclass(frozen=True, kw_only=True)
class ImageConversations(Format):
    """`{"id", "image", "conversations": [{"from", "value"}, ...]}`.

    The first message shows where the image stands. A row without an image has neither.
    """

    name: ClassVar[str] = "image_conversations"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "LLaVA's conversations: an image and turns from human and gpt."
    fixed_columns: ClassVar[bool] = False

    mark: str = option("<image>", "stands for the image in the first message")

    def line(self, row: Row) -> Mapping[str, object]:
        """The row's turns under its id, with its image if it has one."""
        said = [{"from": _SPEAKERS[each.role], "value": each.content} for each in turns(row)]
        image = row.facts.get("image")
        if image is None:
            return {"id": row.id, "conversations": said}
        said[0]["value"] = f"{self.mark}\n{said[0]['value']}"
        return {"id": row.id, "image": image, "conversations": said}
