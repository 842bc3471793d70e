"""Tells whether a text is plainly in another language than the one that is wanted.

Scripts decide first, then common words, and only for what is left py3langid's model, whose word is
taken where it is sure. Code, formulas, addresses and quotations are no evidence of anything.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import cast

from py3langid.langid import (  # pyright: ignore[reportMissingTypeStubs]
    MODEL_FILE,
    LanguageIdentifier,
)

# The model's confidence from which it is believed, measured on Alpaca's 52,002 rows: of their
# instructions none is lost, and of their outputs, often names and lists, only at the higher one.
SURE_OF_INSTRUCTION = 0.5
SURE_OF_OUTPUT = 0.7
FEWEST_LETTERS = 20
_COMMON_SHARE = 0.15
# A Chinese word is about two characters, an English one about five letters.
_LETTERS_OF_IDEOGRAPH = 3

_IDEOGRAPHIC = {"zh", "ja", "ko"}
_SCRIPTS = {
    "LATIN": "af az bs ca cs cy da de en eo es et eu fi fr ga gl ha hr hu id is it jv la lb lt lv "
    "mg ms mt nb nl nn no oc pl pt ro sk sl so sq sv sw tl tr uz vi xh yo zu",
    "CYRILLIC": "be bg kk ky mk mn ru tg uk",
    "ARABIC": "ar ckb fa ps sd ug ur",
    "DEVANAGARI": "hi mr ne sa",
    "HEBREW": "he yi",
    "GREEK": "el",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "THAI": "th",
    "LAO": "lo",
    "KHMER": "km",
    "MYANMAR": "my",
    "BENGALI": "as bn",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "ORIYA": "or",
    "SINHALA": "si",
    "TAMIL": "ta",
    "TELUGU": "te",
    "ETHIOPIC": "am",
}
_SCRIPT_OF = {language: script for script, all_ in _SCRIPTS.items() for language in all_.split()}
# Too near to each other to be told apart in a few words.
_KIN = ("da nb nn no", "bs hr sl", "id jv ms", "cs sk", "ca es gl oc pt", "af nl", "bg mk", "he yi")
_KIN_OF = {language: set(kin.split()) for kin in _KIN for language in kin.split()}
# Plants, beasts, elements and emperors read like Latin to the model.
_OF_NAMES = "la"
# English words that no other language in Latin script writes as often.
_ENGLISH_WORDS = (
    "the of and to is that what with for from which are how you your this these those their they "
    "it its be been should would could can will have has not when where why who write give create "
    "make find list describe explain name using each between following sentence word given"
)
_ENGLISH = set(_ENGLISH_WORDS.split())

_NO_PROSE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]+`|\$\$.*?\$\$|\$[^$\n]+\$|https?://\S+|www\.\S+"
    r"|(?<![\w.+-])[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]+",
    re.DOTALL,
)
_QUOTED = re.compile(
    r"\"[^\"\n]*\"|\u201c[^\u201d\n]*\u201d|\u00ab[^\u00bb\n]*\u00bb|\u300c[^\u300d\n]*\u300d"
    r"|(?<!\w)['\u2018][^'\u2018\u2019\n]*['\u2019](?!\w)"
)
_WORD = re.compile(r"[^\W\d_]+")


def primary(tag: str) -> str:
    """The language of a tag such as ``pt-BR`` in lower case: ``pt``."""
    return tag.strip().lower().replace("_", "-").split("-")[0]


def is_known(language: str) -> bool:
    """Whether anything can be said of texts in this language."""
    return language in _IDEOGRAPHIC or language in _SCRIPT_OF


def is_foreign(text: str, wanted: str, *, sure: float = SURE_OF_INSTRUCTION) -> bool:
    """Whether a text is plainly not in the language `wanted`, such as ``en``.

    False for what cannot be told: too few letters, a language that is not known here, a model whose
    confidence is below `sure`.
    """
    text = _QUOTED.sub(" ", _NO_PROSE.sub(" ", text))
    letters = _letters(text)
    total = sum(letters.values())
    if not total or not is_known(wanted):
        return False
    if wanted in _IDEOGRAPHIC:
        return _is_not_ideographic(letters, wanted)
    script = _SCRIPT_OF[wanted]
    weighed = total + (_LETTERS_OF_IDEOGRAPH - 1) * letters.get("CJK", 0)
    if 2 * letters.get(script, 0) < weighed:
        return True
    return total >= FEWEST_LETTERS and _is_other_language(text, wanted, sure)


def is_english_prose(text: str) -> bool:
    """Whether a text is running words of English, not code, a name or a label."""
    text = _NO_PROSE.sub(" ", text)
    long = sum(_letters(text).values()) >= 2 * FEWEST_LETTERS
    return long and _common_share(text) >= _COMMON_SHARE


def _letters(text: str) -> dict[str, int]:
    """Letters by script."""
    if text.isascii():
        found = sum(map(str.isalpha, text))
        return {"LATIN": found} if found else {}
    counts: dict[str, int] = {}
    for char in text:
        if char.isalpha():
            script = _script(char)
            counts[script] = counts.get(script, 0) + 1
    return counts


@cache
def _script(char: str) -> str:
    """The first word of the character's name in Unicode, which is its script."""
    return unicodedata.name(char, "NONE").split()[0].split("-")[0]


def _is_not_ideographic(letters: dict[str, int], wanted: str) -> bool:
    """Names and terms in Latin letters do no harm; scripts of the neighbours do."""
    han, kana = letters.get("CJK", 0), letters.get("HIRAGANA", 0) + letters.get("KATAKANA", 0)
    hangul = letters.get("HANGUL", 0)
    match wanted:
        case "zh":
            return han <= kana + hangul
        case "ja":
            return (not kana and (not han or han >= FEWEST_LETTERS)) or hangul > han + kana
        case _:
            return not hangul or hangul < han + kana


def _is_other_language(text: str, wanted: str, sure: float) -> bool:
    if wanted == "en" and _common_share(text) >= _COMMON_SHARE:
        return False
    found, confidence = _model()(text)
    if confidence < sure or found == wanted or found in _KIN_OF.get(wanted, ()):
        return False
    return found in _SCRIPT_OF and found != _OF_NAMES


def _common_share(text: str) -> float:
    words = [word.lower() for word in _WORD.findall(text)]
    return sum(word in _ENGLISH for word in words) / len(words) if words else 0.0


@cache
def _model() -> Callable[[str], tuple[str, float]]:
    """Language and confidence of a text; read when it is first needed, in half a second."""
    load = cast(  # py3langid says nothing of its types
        "Callable[..., LanguageIdentifier]",
        LanguageIdentifier.from_model_file,  # pyright: ignore[reportUnknownMemberType]
    )
    found = load(MODEL_FILE, norm_probs=True)
    return cast("Callable[[str], tuple[str, float]]", found.classify)  # pyright: ignore[reportUnknownMemberType]
