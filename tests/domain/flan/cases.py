"""Cases of every kind, made up in any number."""

from random import Random

from app.domain.flan.cases import Case, read_case

LABELS = ("World", "Sports", "Business", "Science")


def classified(
    count: int, template: str = "which", options: tuple[str, ...] = LABELS
) -> list[Case]:
    """Cases with options, the answer one of them."""
    chance = Random(5)
    return [
        Case(n, template, f"Which section? Story {n}.", chance.choice(options), options)
        for n in range(count)
    ]


def chains(count: int, options: bool = False) -> list[Case]:
    """Questions with reasoning, as their file has them."""
    return [read_case(chain_line(n, options), n) for n in range(count)]


def chain_line(number: int, options: bool = False) -> dict[str, object]:
    """A line of a file of reasoning, of varied length."""
    left = number - number // 3
    line: dict[str, object] = {
        "question": f"{number} eggs, {number // 3} broke: how many {'are left ' * (number % 40)}?",
        "answer": str(left),
        "chain_of_thought": f"{number} minus {number // 3}\\nis {left}",
    }
    return line | {"options": [str(left), str(left + 1), str(left - 1)]} if options else line


def dialogues(count: int) -> list[Case]:
    """Dialogues of two to thirty turns."""
    lines = [{"turns": [f"turn {k} of {n}" for k in range(2 + n % 29)]} for n in range(count)]
    return [read_case(line, n) for n, line in enumerate(lines)]
