"""Renderings for a service: rows in slices give what they give in one piece."""

from pathlib import Path

from app.use_cases.rendering import RenderSettings, open_rendering

DRAWING = """\
dataset: d
templates:
  a: !Template {id: a, name: a, jinja: "{{ range(9999) | choice }} ||| {{ n }}"}
  b: !Template {id: b, name: b, jinja: "{{ n }} ||| {{ range(9999) | choice }}"}
"""


def test_slices_give_what_the_whole_gives(tmp_path: Path) -> None:
    path = tmp_path / "templates.yaml"
    path.write_text(DRAWING, encoding="utf-8")
    rows: list[dict[str, object]] = [{"n": n} for n in range(30)]
    settings = RenderSettings(per_row=1, seed=3)
    with open_rendering(path, settings) as whole, open_rendering(path, settings) as sliced:
        expected = [(each.template, each.outcome) for each in whole.outcomes(rows, None)]
        slices = [sliced.outcomes(rows[n : n + 7], None, start=n) for n in (0, 7, 14, 21, 28)]
        found = [(each.template, each.outcome) for part in slices for each in part]
    assert found == expected
    assert len(found) == 30
