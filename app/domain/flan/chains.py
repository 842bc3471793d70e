"""Questions answered by way of reasoning: how they are asked, and how the answer closes."""

from collections.abc import Mapping
from typing import NamedTuple


class ChainForm(NamedTuple):
    """The words before and after the question, and those before the answer."""

    before: str
    after: str
    closing: str

    def ask(self, question: str) -> str:
        return f"{self.before}{question}{self.after}"


CHAIN_FORMS: Mapping[str, ChainForm] = {
    "chain_0": ChainForm("", "\nReason it out, then answer.", "So the answer is"),
    "chain_1": ChainForm("Question: ", "\nReasoning and answer:", "The answer is"),
    "chain_2": ChainForm("Work through this question one step at a time.\n", "", "The answer:"),
    "chain_3": ChainForm("Q: ", "\nReasons and answer:", "Hence the answer is"),
    "chain_4": ChainForm("Explain how you get there and then answer.\n\n", "", "Answer:"),
    "chain_5": ChainForm("", "\n\nShow your thinking before you answer.", "Therefore it is"),
    "chain_6": ChainForm("Think about this, then decide: ", "", "My answer:"),
    "chain_7": ChainForm("Problem:\n", "\n\nSolution with reasons:", "The solution is"),
    "chain_8": ChainForm("", "\nWhat leads to the answer, and what is it?", "This gives"),
    "chain_9": ChainForm(
        "Give reasons first and the answer last.\nQuestion: ", "", "Final answer:"
    ),
}


_ENDS = (".", "!", "?", '."', "。", "！", "？")  # noqa: RUF001 - Chinese ones too


def phrased(form: str, chain: str, answer: str) -> str:
    """The reasoning, then the answer in the fixed phrase of the form."""
    ended = chain if chain.endswith(_ENDS) else f"{chain}."
    return f"{ended} {CHAIN_FORMS[form].closing} {answer}"
