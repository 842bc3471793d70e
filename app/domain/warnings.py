"""What a person should know about a job that goes on all the same."""

from dataclasses import dataclass

_MOST_CUT_SHARE = 0.1
_FEWEST_READ = 10


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning: a code for programs, a sentence for people."""

    code: str
    detail: str


def cut_warning(cut: int, read: int) -> Warned | None:
    """Many replies that end because they grew too long: their last item is lost each time."""
    if read < _FEWEST_READ or cut <= _MOST_CUT_SHARE * read:
        return None
    return Warned(
        "replies_cut",
        f"{cut} of {read} replies were cut off at the most tokens allowed; the last item of each "
        "is dropped. Allow more tokens in the method's options, or ask for fewer items.",
    )
