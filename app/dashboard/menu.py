"""What the navigation of every page offers: one line for each section."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """One entry; a page says which one it belongs to with `{% set section = "name" %}`.

    `icon` is the `d` of an SVG path on a field of 24 by 24, drawn as a line.
    """

    name: str
    label: str
    path: str
    icon: str


MENU = (
    Section("jobs", "Jobs", "/dashboard/jobs", "M4 6h10M4 12h16M4 18h7"),
    Section(
        "seeds",
        "Seed sets",
        "/dashboard/seed-sets",
        "M12 21c-4.5 0-7-3-7-7 0-5 4.500-8 7-11 2.500 3 7 6 7 11 0 4-2.500 7-7 7zM12 21v-7",
    ),
    Section(
        "documents", "Documents", "/dashboard/documents", "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6"
    ),
    Section(
        "templates", "Templates", "/dashboard/template-sets", "M5 4h14v16H5zM8.500 9h7M8.500 13h4"
    ),
    Section(
        "teachers",
        "Teachers",
        "/dashboard/teachers",
        "M3 9l9-5 9 5-9 5zM7 11.500V16c1.500 1.500 3 2 5 2s3.500-.500 5-2v-4.500M21 9v6",
    ),
    Section("rows", "Rows", "/dashboard/rows", "M4 5h16v14H4zM4 10h16M4 14.500h16M10 10v9"),
    Section("exports", "Exports", "/dashboard/exports", "M12 4v11M8 11l4 4 4-4M5 16v3.500h14V16"),
    Section("training", "Training", "/dashboard/training", "M4 18l5-6 4 3 7-9M14 6h6v6"),
    Section(
        "access",
        "Access",
        "/dashboard/access",
        "M14 10a4 4 0 1 0-3.500 4L13 16.500h2.500V19H18v2h3v-3l-7-7M9 9h.010",
    ),
    Section("api", "API", "/docs", "M8 7l-5 5 5 5M16 7l5 5-5 5M13.500 5l-3 14"),
)
