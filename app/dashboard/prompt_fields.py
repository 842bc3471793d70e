"""Prompt texts of one's own as fields of a form, each beside the text of ours that it replaces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.dashboard.forms import Form
from app.dashboard.option_fields import EMPTY, PREFIX
from app.domain.language import Language
from app.domain.prompts.own_texts import SYSTEM, PromptText
from app.use_cases.methods import MethodDescription

PROMPTS = "prompts/"
# The button that puts our text into a field to begin with, followed by the name of the text.
OURS = "ours/"
_LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class ShownPrompt:
    """One text: `ours` in the language of the job, `given` what was typed."""

    text: PromptText
    ours: str
    given: str

    @property
    def name(self) -> str:
        """Of its field."""
        return PROMPTS + self.text.name

    @property
    def button(self) -> str:
        """The value of the button that begins with ours."""
        return OURS + self.text.name

    @property
    def is_system(self) -> bool:
        """Whether it is what a chat model is told beforehand."""
        return self.text.name.endswith(SYSTEM)

    @property
    def label(self) -> str:
        """Its name as people write it."""
        step = self.text.name.removesuffix(SYSTEM).replace("_", " ")
        return f"{step}, system message" if self.is_system else step

    @property
    def help(self) -> str:
        """What may stand in it."""
        text = self.text
        parts = [f"may hold {_braced(text.placeholders)}"] if text.placeholders else []
        if text.required:
            parts.append(f"must hold {_braced(text.required)}")
        if text.examples:
            parts.append(f"{{{{examples}}}} is filled with {text.examples} of ours")
        if self.is_system:
            parts.append(f"{EMPTY} sends none")
        return "; ".join(parts) or "has no placeholders"


def shown_prompts(method: MethodDescription, profile: str, form: Form) -> Sequence[ShownPrompt]:
    """Every text that a job of the method may replace."""
    language = _language(method, profile, form)
    return [
        ShownPrompt(each, _ours(each, language), form.raw(PROMPTS + each.name))
        for each in method.prompts
    ]


def read_prompts(known: Sequence[PromptText], form: Form) -> Mapping[str, str]:
    """The texts that were given; `""` is an empty one."""
    typed = {each.name: form.raw(PROMPTS + each.name) for each in known}
    return {
        name: "" if text.strip() == EMPTY else text for name, text in typed.items() if text.strip()
    }


def prompt_texts(prompts: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """The fields of a form that say the same."""
    return {PROMPTS + name: [text or EMPTY] for name, text in prompts.items()}


def with_ours(form: Form, shown: Sequence[ShownPrompt]) -> Form:
    """The form with our text in the field whose button was pressed."""
    pressed = form.text("action")
    ours = {each.name: [each.ours] for each in shown if each.button == pressed}
    return replace(form, fields={**form.fields, **ours})


def _ours(text: PromptText, language: str) -> str:
    return text.texts.get(language, text.texts[Language.ENGLISH])


def _language(method: MethodDescription, profile: str, form: Form) -> str:
    """The one that was chosen, else that of the profile."""
    default = next((each.default for each in method.options if each.name == _LANGUAGE), "")
    usual = method.profiles.get(profile, {}).get(_LANGUAGE, default)
    return form.text(PREFIX + _LANGUAGE) or str(usual)


def _braced(names: Sequence[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in names)
