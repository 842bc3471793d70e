"""Chunks: every word once, none too long, cut at headings and the best seams."""

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from app.domain.chunking import chunked
from app.domain.documents import Extracted, Heading
from app.domain.extraction.markdown import markdown_text
from app.domain.extraction.pages import paged_text

SENTENCE = "Green tea wants water of eighty degrees. "
texts = st.text(st.sampled_from("ab1é茶。.!? \n\t#-") | st.characters(codec="utf-8"), max_size=300)


@given(texts, st.integers(5, 120))
def test_chunks_hold_every_word_once_and_are_where_they_say(text: str, most: int) -> None:
    found = chunked(markdown_text(text), most)
    end = 0
    for chunk in found:
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.text == chunk.text.strip()
        assert 0 < len(chunk.text) <= most
        assert chunk.start >= end
        assert not re.search(r"\w", text[end : chunk.start])
        end = chunk.end
    assert not re.search(r"\w", text[end:])


def test_a_heading_begins_a_chunk_and_gives_its_path() -> None:
    body = SENTENCE * 4
    text = f"# Tea\n\n## Green\n\n{body}\n\n## Black\n\n{body}\n\n# Coffee\n\n{body}"
    found = chunked(markdown_text(text), 400)
    assert [chunk.text.split("\n")[0] for chunk in found] == ["# Tea", "## Black", "# Coffee"]
    assert [chunk.heading for chunk in found] == ["Tea", "Tea > Black", "Coffee"]


def test_small_sections_stay_together() -> None:
    text = "".join(f"## Part {number}\n\nShort.\n\n" for number in range(4))
    assert len(chunked(markdown_text(text), 2000)) == 1


def test_paragraphs_are_cut_before_sentences_and_sentences_before_words() -> None:
    paragraph = (SENTENCE * 3).strip()
    assert [each.text for each in chunked(Extracted(f"{paragraph}\n\n{paragraph}"), 200)] == [
        paragraph,
        paragraph,
    ]
    for each in chunked(Extracted(SENTENCE * 12), 200):
        assert each.text.endswith("degrees.")
    for each in chunked(Extracted("leaf " * 100), 200):
        assert set(each.text.split()) == {"leaf"}


def test_chinese_is_cut_behind_a_full_stop() -> None:
    found = chunked(Extracted("绿茶要用八十度的水冲泡。" * 40), 200)
    assert len(found) > 2
    assert all(each.text.endswith("。") for each in found)


def test_what_is_a_little_too_long_leaves_no_crumb() -> None:
    found = chunked(Extracted("leaf " * 45), 200)
    assert len(found) == 2
    assert min(len(each.text) for each in found) > 60


def test_pages_are_known_and_a_chunk_may_span_two() -> None:
    page = SENTENCE * 3
    found = chunked(paged_text([page, page, "", page, page]), 250)
    assert [each.pages for each in found] == ["1-2", "4-5"]


def test_what_a_row_cites() -> None:
    text = "# Tea\n\nGreen."
    (chunk,) = chunked(Extracted(text, (Heading(0, 1, "Tea"),), (0,)), 300)
    assert chunk.facts("guide.pdf", 7) == {
        "document": "guide.pdf",
        "chunk": "guide.pdf#7",
        "place": "Tea; page 1; characters 0-13",
        "heading": "Tea",
        "pages": "1",
        "characters": "0-13",
    }
    (bare,) = chunked(Extracted("Green."), 300)
    assert bare.facts("a.txt", 1) == {
        "document": "a.txt",
        "chunk": "a.txt#1",
        "place": "characters 0-6",
        "characters": "0-6",
    }


def test_a_title_without_end_is_cut() -> None:
    (chunk,) = chunked(markdown_text(f"# {'long ' * 60}\n\nGreen."), 2000)
    assert len(chunk.heading) == 120


def test_rules_and_dots_are_no_chunk() -> None:
    assert chunked(Extracted("* * *\n\n. . .\n"), 200) == []


def test_many_headings_cost_no_more_than_they_are() -> None:
    text = "# Tea\n\nGreen tea.\n\n" * 60_000
    began = time.process_time()
    assert len(chunked(markdown_text(text), 2000)) > 1000
    assert time.process_time() - began < 10
