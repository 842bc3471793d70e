"""What a script is: a prompt and its step in, a text out."""

from dataclasses import dataclass
from typing import Protocol

from app.demo_teacher.protocol import Prompt
from app.demo_teacher.steps import Step


@dataclass(frozen=True, slots=True)
class Scripted:
    """A text as a model would have written it, uncut; a finish reason only if one was recorded."""

    text: str | None
    finish_reason: str | None = None


class Script(Protocol):
    """Where replies come from."""

    def reply(self, name: str, step: Step, prompt: Prompt, digest: bytes, choice: int) -> Scripted:
        """The text for one choice of one prompt.

        `name` is the step as the client called it (or the guessed one), `step` the kind of reply
        that its text asks for. RequestError when there is nothing left to say.
        """
        ...

    def reset(self) -> None:
        """Forget what was said so far."""
        ...
