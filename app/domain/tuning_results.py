"""What a tuned model does better or worse than its base, as lines that every face shows alike."""

from collections.abc import Mapping, Sequence
from typing import Any

_LOSSES = (
    ("held_out", "loss a token, held-out rows"),
    ("seeds", "loss a token, held-out seeds"),
    ("neutral", "loss a token, neutral text"),
)
_FORM = {
    "empty": "answers that are empty",
    "unfinished": "answers without an end",
    "echo": "answers that repeat the prompt",
    "repetitive": "answers that go in circles",
}
_VERDICT = {
    "learnt": (
        "The loss on what was held out fell, beyond chance.",
        "The loss on what was held out did not fall beyond chance.",
        "Nothing was held out, so whether it learnt cannot be told.",
    ),
    "remembers": (
        "On neutral text it lost less than 2 %.",
        "On neutral text it lost 2 % or more: it forgot.",
        "",
    ),
    "well_formed": (
        "Its answers are as well formed as before.",
        "Its answers are less well formed than before.",
        "",
    ),
}


def before_and_after(evaluation: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """Rows of four words: the measure, before, after, and the change with its interval if known.

    `evaluation` is the member of that name in metrics.json.
    """
    lines = [
        (words, f"{found['before']:.4f}", f"{found['after']:.4f}", _change(found["change"], 4))
        for name, words in _LOSSES
        if (found := evaluation.get(name))
    ]
    answers = evaluation.get("answers")
    return [*lines, *(_of_answers(answers) if answers else [])]


def _of_answers(answers: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    rouge, exact, form = answers["rouge_l"], answers["exact_match"], answers["form"]
    before, after = rouge["before"]["rouge_l"], rouge["after"]["rouge_l"]
    title = f"ROUGE-L of {answers['n']} answers"
    lines = [(title, f"{before:.1f}", f"{after:.1f}", _change(rouge["gain"], 1))]
    if exact:
        words = f"exact match of {exact['n']} labels"
        lines.append((words, _share(exact["before"]), _share(exact["after"]), ""))
    for name, words in _FORM.items():
        lines.append((words, _share(form["before"][name]), _share(form["after"][name]), ""))
    return lines


def verdict_words(verdict: Mapping[str, bool | None]) -> Sequence[str]:
    """The verdict as sentences; what cannot be told and matters little has none."""
    found = [
        unknown if verdict[name] is None else good if verdict[name] else bad
        for name, (good, bad, unknown) in _VERDICT.items()
    ]
    return [each for each in found if each]


def _change(found: Mapping[str, float], digits: int) -> str:
    mean, low, high = (f"{found[name]:+.{digits}f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"
