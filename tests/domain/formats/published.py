"""Rows with every text that a file may break, for the tests of formats."""

from dataclasses import replace

from app.domain.records import Message, Origin, Role, Row, SeedInstance

NASTY = (
    "a\u2028b\x85c \N{ZERO WIDTH JOINER} 👩‍🚀 “quote” \\ {0} {1}\n\n\t\u05e9\u05dc\u05d5\u05dd عربى"
)
BARE = Row("row-1", "Name a tree.", "", "Oak.\n")
FULL = Row("row-2", "Sort the words.", " pear\nfig ", "fig, pear", is_classification=True)
TALK = (
    Message(Role.USER, "What is tea?"),
    Message(Role.ASSISTANT, "A drink."),
    Message(Role.USER, "Is it hot?"),
    Message(Role.ASSISTANT, "Mostly."),
)
DIALOGUE = Row("row-4", "What is tea?", "", "A drink.", messages=TALK, facts={"topic": "tea"})
ORIGIN = Origin(
    number=3,
    prompt="Come up with tasks.\n9.",
    reply=" Name a tree.",
    finish_reason="stop",
    received_at="2030-01-02T03:04:05+00:00",
    most_similar={"Name a bird.": 0.75, "Plant it.": 0.0},
    avg_similarity_score=0.375,
)
STRANGE = Row(
    "row-5",
    f"Read {NASTY}",
    NASTY,
    f"Said {NASTY}",
    others=(SeedInstance("", NASTY),),
    origin=ORIGIN,
)
REASONED = replace(
    STRANGE,
    instruction="How many are left?",
    input="12 eggs, 5 broke.",
    output="12 minus 5 is 7.\u2028So nothing is lost. So the answer is 7.",
)
