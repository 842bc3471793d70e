"""What people say about a file that they upload: a name, a licence, where it comes from."""

from collections.abc import Iterator

from app.errors import Problem

_MOST_CHARACTERS = 200


def description_problems(**texts: str) -> Iterator[Problem]:
    """What keeps a text from being shown in a line: nothing in it, too long, not printable."""
    for name, text in texts.items():
        if not text.strip():
            yield Problem(f"/{name}", "blank", "must not be blank")
        if len(text) > _MOST_CHARACTERS:
            yield Problem(f"/{name}", "too_long", f"at most {_MOST_CHARACTERS} characters")
        if any(not character.isprintable() for character in text):
            yield Problem(f"/{name}", "control_character", "must be printable text")
