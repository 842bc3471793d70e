"""The dataset card of an export: what it holds, where it came from, and under which licences."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

_RIGHTS = (
    "These rows were written by a model that was shown the seed tasks below. Whoever uses them "
    "needs the right to do so from both: the licence of every seed set and the terms of every "
    "teacher below. Nothing here grants more than they do."
)
_RIGHTS_WITHOUT_TEACHER = (
    "These rows were made by rules from the files below; no model wrote any of them. Whoever uses "
    "them needs the right to do so from the licence of every file. Nothing here grants more than "
    "they do."
)
# What licences and terms say where they restrict: no commerce, no derivatives, no competing models.
_RESTRICTING = re.compile(
    r"\b(nc|nd|non-?commercial|research|academic|compet\w*|prohibit\w*|may not|must not|"
    r"not (be )?(used|allowed|permitted)|no derivatives|restrict\w*|proprietary|"
    r"all rights reserved|openai)\b",
    re.IGNORECASE,
)
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True, slots=True)
class CardSeedSet:
    """A seed set that rows grew from; `licence` and `source` as its uploader gave them."""

    name: str
    licence: str
    source: str
    language: str
    rows: int


@dataclass(frozen=True, slots=True)
class CardTeacher:
    """A model that wrote text; `terms` names what its provider asks (a licence, an address)."""

    name: str
    model: str
    terms: str = ""
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class CardReview:
    """What people found in a sample of rows; shares lie in [0, 1], None before the first verdict.

    The rows of the sample were drawn evenly from `population`, before their edits and drops.
    """

    judged: int
    population: int
    valid_share: float | None
    low: float
    high: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that a card says; times and money are given as text, so that it stays pure.

    `counts` are call slots or candidates by state, `drops` the dropped candidates and rows by the
    name of the rule, `left_out` the rows that the format cannot carry, `settings` whatever the job
    was told. `paths` names the files of each split beside the card, for hubs that show them.
    """

    title: str
    format: str
    rows: int
    sha256: str
    method: str
    seed_sets: Sequence[CardSeedSet]
    teachers: Sequence[CardTeacher]
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    drops: Mapping[str, int] = field(default_factory=dict[str, int])
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])
    rows_by_split: Mapping[str, int] = field(default_factory=dict[str, int])
    paths: Mapping[str, str] = field(default_factory=dict[str, str])
    held_out_seeds: int = 0
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    made_on: str = ""
    cost: str = ""
    reused: str = ""
    reviewed_rows: int = 0
    edited_rows: int = 0
    dropped_rows: int = 0
    reviews: Sequence[CardReview] = ()

    @property
    def simulated(self) -> bool:
        return any(teacher.simulated for teacher in self.teachers)


def render_card(card: Card) -> str:
    """The card as Markdown with the front matter that dataset hubs read; same card, same text."""
    parts = [
        _front_matter(card),
        f"# {_inline(card.title)}",
        _warning(card),
        _facts(card),
        _composition(card),
        _licences(card),
        _making(card),
        _review(card),
        _limits(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_matter(card: Card) -> str:
    members: dict[str, object] = {
        "pretty_name": card.title,
        "language": sorted({each.language for each in card.seed_sets if each.language}),
        "license": "other",
        "license_name": "see-the-licence-chain-below",
        "size_categories": [_size(card.rows)],
        "task_categories": ["text-generation"],
        "tags": ["synthetic", "instruction-tuning", *(["simulated"] if card.simulated else [])],
    }
    if card.paths:
        files = [{"split": split, "path": path} for split, path in card.paths.items()]
        members["configs"] = [{"config_name": "default", "data_files": files}]
    return f"---\n{yaml.safe_dump(members, sort_keys=False, allow_unicode=True)}---"


def _size(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>1M")


def _warning(card: Card) -> str:
    if not card.simulated:
        return ""
    names = ", ".join(_inline(each.name) for each in card.teachers if each.simulated)
    return (
        "> **SIMULATED DATA. No language model wrote these rows.** They come from a scripted "
        f"stand-in ({names}) and are of no use for training or evaluation."
    )


def _facts(card: Card) -> str:
    held_out = f"{card.held_out_seeds:,}" if card.held_out_seeds else ""
    facts = [
        ("Rows", f"{card.rows:,}"),
        ("Format", card.format),
        ("Method", card.method),
        ("Made on", card.made_on),
        ("Paid to teachers", card.cost),
        ("Reused", card.reused),
        ("Seeds held out from the teacher", held_out),
        ("sha256 of the file", card.sha256),
    ]
    return _table(("What", "Value"), [(name, value) for name, value in facts if value])


def _composition(card: Card) -> str:
    splits = dict(card.rows_by_split)
    if len(splits) < 2 and "train" in splits:
        return ""
    rows = [(split, f"{count:,}") for split, count in sorted(splits.items())]
    return f"## Composition\n\n{_table(('Split', 'Rows'), rows)}" if rows else ""


def _licences(card: Card) -> str:
    seeds = [
        (each.name, f"{each.rows:,}", each.language, each.licence or "not stated", each.source)
        for each in card.seed_sets
    ]
    teachers = [(each.name, each.model, each.terms or "not stated") for each in card.teachers]
    return "\n\n".join(
        [
            "## Licence chain",
            _RIGHTS if card.teachers else _RIGHTS_WITHOUT_TEACHER,
            _table(("Seed set", "Seeds", "Language", "Licence", "Source"), seeds),
            *([_table(("Teacher", "Model", "Terms"), teachers)] if teachers else []),
            *_restrictions(card),
        ]
    )


def _restrictions(card: Card) -> list[str]:
    """A plain warning for each link of the chain that restricts what may be done, or is unknown."""
    links = [("The seed set", each.name, "licence", each.licence) for each in card.seed_sets]
    links += [
        ("The teacher", each.name, "terms", each.terms)
        for each in card.teachers
        if not each.simulated
    ]
    return [
        f"> **Warning.** {kind} {_inline(name)} {_restricts(word, said)}"
        for kind, name, word, said in links
        if not said.strip() or _RESTRICTING.search(said)
    ]


def _restricts(word: str, said: str) -> str:
    if not said.strip():
        return f"states no {word}: ask for them before these rows are published or sold."
    return (
        f"restricts what may be done with these rows ({_inline(said)}). Read its {word} before "
        "they are published, sold or trained on."
    )


def _making(card: Card) -> str:
    sections = ["## How it was made"]
    if card.counts:
        counts = [(name, f"{count:,}") for name, count in card.counts.items()]
        sections.append(_table(("State", "Count"), counts))
    if card.drops:
        sections.append("What was dropped, by the rule that dropped it:")
        sections.append(_table(("Rule", "Dropped"), _ranked(card.drops)))
    if card.left_out:
        sections.append("Rows of the job that are not in it, by reason:")
        sections.append(_table(("Reason", "Left out"), _ranked(card.left_out)))
    if card.settings:
        settings = [(name, _shown(value)) for name, value in sorted(card.settings.items())]
        sections.append("Settings of the job:")
        sections.append(_table(("Setting", "Value"), settings))
    return "\n\n".join(sections) if len(sections) > 1 else ""


def _ranked(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Names with their counts, the most frequent first."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(name, f"{count:,}") for name, count in ranked]


def _limits(card: Card) -> str:
    if card.simulated:
        return ""
    checked = f"{card.reviewed_rows:,} of {card.rows:,}" if card.reviewed_rows else "None"
    by, of = ("a machine", "the teacher and the seeds") if card.teachers else ("rules", "the files")
    return (
        f"## Limits\n\nThe rows were written by {by} and chosen by rules. "
        f"{checked} were checked by people. They may be wrong, unsafe or biased, and they repeat "
        f"what {of} got wrong."
    )


def _review(card: Card) -> str:
    """What people found, and what they changed and took out."""
    found = [_estimate(each) for each in card.reviews if each.valid_share is not None]
    if card.edited_rows or card.dropped_rows:
        found.append(
            f"In this file {card.edited_rows:,} rows of the job stand as people edited them, and "
            f"{card.dropped_rows:,} are left out because people dropped them."
        )
    return "\n\n".join(["## Review", *found]) if found else ""


def _estimate(review: CardReview) -> str:
    return (
        f"People judged {review.judged:,} rows drawn evenly from {review.population:,}: "
        f"{review.valid_share:.1%} were valid as they were made ({review.confidence:.0%} interval "
        f"{review.low:.1%} to {review.high:.1%}, Wilson's for a finite population)."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_table_line(header), "|" + " --- |" * len(header), *map(_table_line, rows)]
    return "\n".join(lines)


def _table_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_inline(cell) for cell in cells) + " |"


def _shown(value: object) -> str:
    """A setting as it would be given: plain text as it is, all else as JSON."""
    if isinstance(value, str) and value and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _inline(text: str) -> str:
    """Text of others inside a line of Markdown: it stays on its line and is no markup."""
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*[]<>|&" else char for char in flat)
