"""A short, safe quotation of a bad line for an error report."""

EXCERPT_CHARS = 80
_LEAD_CHARS = 30


def excerpt(text: str, column: int | None = None) -> str:
    """At most 80 characters of `text` around `column` (from 1); what cannot be seen is escaped."""
    start = max(0, (column or 1) - 1 - _LEAD_CHARS)
    pieces = ["…"] if start else []
    room = EXCERPT_CHARS - len(pieces)
    for position, char in enumerate(text[start : start + EXCERPT_CHARS + 1], start):
        shown = visible(char)
        if len(shown) > room - (position + 1 < len(text)):
            pieces.append("…")
            break
        pieces.append(shown)
        room -= len(shown)
    return "".join(pieces)


def visible(text: str) -> str:
    """The text with every character that cannot be seen (or moves the cursor) as its escape."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
