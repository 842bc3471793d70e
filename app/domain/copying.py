"""Whether an instruction holds its own answer."""

from math import ceil

from app.domain.tokens import unicode_tokens

FEWEST_COPIED_TOKENS = 5
COPIED_SHARE = 0.8


def copies_answer(instruction: str, response: str, *, share: float = COPIED_SHARE) -> bool:
    """Whether most of the response stands in the instruction in one piece.

    A task that works on a text gets parts of it back in any case, so only a piece of this share (of
    more than a half) of a response that is not tiny counts.
    """
    answer = unicode_tokens(response)
    if len(answer) < FEWEST_COPIED_TOKENS:
        return False
    size = ceil(len(answer) * share)
    text = f" {' '.join(unicode_tokens(instruction))} "
    # Every such piece holds the middle of the response, which hardly any instruction has.
    if f" {' '.join(answer[len(answer) - size : size])} " not in text:
        return False
    pieces = (answer[at : at + size] for at in range(len(answer) - size + 1))
    return any(f" {' '.join(piece)} " in text for piece in pieces)
