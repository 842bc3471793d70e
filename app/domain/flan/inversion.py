"""Tasks turned round: from the answer or the reasoning to what was asked, and the like.

Every target is one field of its case: the question, the reasoning, the answer, or what was said
before a reply.
"""

from random import Random
from typing import NamedTuple

from app.domain.flan.cases import Case


class Inversion(NamedTuple):
    """What is asked, with places for the other fields, and the field that answers it."""

    ask: str
    target: str


CHAIN_INVERSIONS = (
    Inversion("Which question leads to this reasoning?\n{chain}", "question"),
    Inversion("{chain}\n\nWhat was asked?", "question"),
    Inversion("Reasoning: {chain}\nQuestion:", "question"),
    Inversion("Make up a question that would be answered like this.\n{chain}", "question"),
    Inversion("The answer is {answer}. What may the question be?", "question"),
    Inversion("Answer: {answer}\nQuestion:", "question"),
    Inversion("Invent a question whose answer is: {answer}", "question"),
    Inversion("{chain}\nSo it is {answer}. What question is settled here?", "question"),
    Inversion("Reasons: {chain}\nAnswer: {answer}\nQuestion:", "question"),
    Inversion("Find the question that goes with these.\n{answer}\n{chain}", "question"),
    Inversion("{question}\nThe answer is {answer}. Why?", "chain"),
    Inversion("Question: {question}\nAnswer: {answer}\nReasoning:", "chain"),
    Inversion("Explain, step by step, how {answer} answers this:\n{question}", "chain"),
    Inversion("{question}\n\n{answer}\n\nSay what leads from one to the other.", "chain"),
    Inversion("{question}\n{chain}\nWhat follows?", "answer"),
    Inversion("Question: {question}\nReasoning: {chain}\nAnswer:", "answer"),
    Inversion("Name the conclusion only.\n{question}\n{chain}", "answer"),
    Inversion("Somebody was asked: {question}\nThey thought: {chain}\nThey said:", "answer"),
)

DIALOGUE_INVERSIONS = (
    Inversion("What was said before this reply?\n{answer}", "said"),
    Inversion("Reply: {answer}\nThe dialogue before it:", "said"),
    Inversion("Write the beginning of a dialogue that goes on with: {answer}", "said"),
    Inversion("{answer}\n\nThis ends a dialogue. Write what came before.", "said"),
    Inversion("Somebody answers: {answer}\nWhat led to it?", "said"),
    Inversion("Invent the talk to which this is the next turn.\n{answer}", "said"),
    Inversion("Last turn: {answer}\nEarlier turns:", "said"),
    Inversion("Which exchange could be followed by these words?\n{answer}", "said"),
    Inversion("Complete the dialogue from its end.\nEnd: {answer}\nStart:", "said"),
    Inversion("Recall the turns before: {answer}", "said"),
)


def invertible(case: Case) -> bool:
    """Whether a case has the parts that an inversion needs."""
    return bool(case.chain or case.turns)


def inverted(case: Case, chance: Random) -> tuple[str, str]:
    """Input and target of an inversion of the case, drawn at random."""
    form = chance.choice(CHAIN_INVERSIONS if case.chain else DIALOGUE_INVERSIONS)
    parts = {
        "question": case.question,
        "chain": case.chain,
        "answer": case.answer,
        "said": case.input.removesuffix("\nB:"),
    }
    return _filled(form.ask, parts), parts[form.target]


def _filled(text: str, parts: dict[str, str]) -> str:
    """Put in the parts; braces inside them stay as they are."""
    pieces = text.split("{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}")
        filled += [parts[name], rest]
    return "".join(filled)
