"""Plain text as it is; form feeds, where there are any, part its pages."""

from app.domain.documents import Extracted

_FORM_FEED = "\f"


def plain_text(text: str) -> Extracted:
    """The text itself."""
    if _FORM_FEED not in text:
        return Extracted(text)
    starts = [0] + [at + 1 for at, char in enumerate(text) if char == _FORM_FEED]
    return Extracted(text, page_starts=tuple(starts))
