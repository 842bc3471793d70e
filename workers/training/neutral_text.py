"""A small text that has nothing to do with any task, to see what tuning makes a model forget."""

from pathlib import Path
from typing import Any

from workers.training.data import Encoded

_FOLDER = Path(__file__).parent / "neutral"
LONGEST = 512


def neutral_rows(tokenizer: Any, limit: int) -> list[Encoded]:
    """The project's own paragraphs, English and Chinese, a row each without a prompt."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("*.txt"))]
    paragraphs = [each for text in texts for each in text.strip().split("\n\n")]
    found = (tokenizer(each, add_special_tokens=False)["input_ids"] for each in paragraphs)
    return [Encoded(ids[: min(limit, LONGEST)], 0) for ids in found if len(ids) > 1]
