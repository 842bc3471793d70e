"""Headings of Markdown: both forms, none in code, none in front matter."""

import pytest

from app.domain.extraction.markdown import markdown_text


def titles(text: str) -> list[tuple[int, str]]:
    found = markdown_text(text)
    assert found.text == text
    for each in found.headings:
        assert each.title in text[each.offset :].split("\n")[0]
    return [(each.level, each.title) for each in found.headings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Tea\n", [(1, "Tea")]),
        ("text\n### Deep ###\n", [(3, "Deep")]),
        ("## C#\n", [(2, "C#")]),
        ("   # Indented\n", [(1, "Indented")]),
        ("    # code\n", []),
        ("#hashtag\n", []),
        ("#\n##   \n", []),
        ("####### seven\n", []),
        ("Tea\n===\n\nGreen\n---\n", [(1, "Tea"), (2, "Green")]),
        ("- item\n---\n", []),
        ("\n---\n", []),
        ("```\n# no\n```\n# yes\n", [(1, "yes")]),
        ("~~~\n# no\n```\n# no\n~~~\n# yes\n", [(1, "yes")]),
        ("```\n# never closed\n", []),
        ("---\ntitle: no\n---\n# yes\n", [(1, "yes")]),
        ("", []),
    ],
)
def test_headings(text: str, expected: list[tuple[int, str]]) -> None:
    assert titles(text) == expected
