"""What a page shows: paragraphs, lists, tables and headings; nothing of scripts and menus."""

import pytest

from app.domain.extraction.html import html_text


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>Green  tea\nneeds <b>80</b> degrees.<p>Hot", "Green tea needs 80 degrees.\n\nHot"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<p>Kinds:</p><ul><li>one</li></ul>", "Kinds:\n\n- one"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a\tb\nc\td"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a &amp; b &#233; &lt;p&gt;", "a & b é <p>"),
        ("<script>alert('<p>x</p>')</script><style>p{}</style>shown", "shown"),
        ("<nav><nav>deep</nav>menu</nav>shown<template>no</template>", "shown"),
        ("<head><title>no</title><body>shown", "shown"),
        ("<!-- no --><!--[if IE]>no<![endif]--><![foo bar]>shown<!DOCTYPE x>", "shown"),
        ("shown</p></div></nav>on", "shown\n\non"),
        ("a &#0; &#xD800; b", "a \ufffd \ufffd b"),
        ("", ""),
    ],
)
def test_text(page: str, expected: str) -> None:
    assert html_text(page).text == expected


def test_headings_stand_where_they_are_said() -> None:
    found = html_text("<h1>All <i>of</i>\n tea</h1><p>x<h2>Green<p>y</p><h3></h3><h2>Open")
    assert [(each.level, each.title) for each in found.headings] == [
        (1, "All of tea"),
        (2, "Green"),
        (2, "Open"),
    ]
    for each in found.headings:
        assert found.text[each.offset :].startswith(each.title)


def test_depth_costs_nothing() -> None:
    assert html_text("<div>" * 100_000 + "x" + "</div>" * 100_000).text == "x"
