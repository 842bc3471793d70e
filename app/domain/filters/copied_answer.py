"""Drops a row whose instruction holds its own answer."""

from dataclasses import dataclass

from app.domain.copying import copies_answer
from app.domain.filter import answers
from app.domain.options import option
from app.domain.records import Instance


@dataclass(frozen=True, slots=True)
class CopiedAnswer:
    """What users found in WizardLM's rows (https://github.com/nlpxucan/WizardLM/issues/8).

    An answer of five tokens or more, nearly all of which stands in the instruction in one piece.
    The input may hold it, as the text that a question is about does.
    """

    share: float = option(
        0.9, "share of the answer's tokens that such a piece has", minimum=0.6, maximum=1.0
    )

    def reason(self, instruction: str, instance: Instance) -> str | None:
        for text in answers(instance):
            # Most answers are longer than their instruction, which then cannot hold them.
            if len(text) <= 2 * len(instruction) and self._is_copied(instruction, text):
                return "copied_answer"
        return None

    def _is_copied(self, instruction: str, text: str) -> bool:
        return copies_answer(instruction, text, share=self.share)
