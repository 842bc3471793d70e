"""Drops a row whose answer speaks of itself as an AI or a language model."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re
from dataclasses import dataclass

from app.domain.filter import answers, parts
from app.domain.records import Instance

_KIND = (
    r"(?:\w+[- ])?(?:AI|artificial intelligence|language model|chat ?bot|LLM)\b"
    r"(?:[- ](?:language )?(?:model|assistant|chat ?bot|program|system|entity))?"
)
_SELF = re.compile(
    rf"\bas an? {_KIND}(?:\s*,|\s+I\b|\s+(?:developed|created|trained|made) by)"
    rf"|\bI(?:['’]m| am) (?:just |only |merely |actually )?an? {_KIND}"
    r"|\bI was (?:created|developed|trained|made) by (?:OpenAI|Anthropic|Google|Meta|Microsoft)"
    r"|作为(?:一个|一名|一款|一种|个)?(?:人工智能|AI|(?:大型?)?语言模型|聊天机器人|智能助手)"
    r"|我(?:是|只是|仅仅是)(?:一个|一名|一款|一种)?(?:人工智能|AI|(?:大型?)?语言模型|聊天机器人)",
    re.IGNORECASE,
)
_OF_AI = re.compile(
    r"\b(?:AI|artificial intelligence|language model|chat ?bot|GPT)\b|人工智能|语言模型|机器人",
    re.IGNORECASE,
)

# One of these is in every such text; looking for them is many times faster.
_SIGNS = (
    *(" ai", "intelligence", "language model", "chat", "llm", "i was "),
    *("智能", "为ai", "个ai", "是ai", "模型", "机器人"),
)


@dataclass(frozen=True, slots=True)
class AsAnAi:
    """A rule of h2o-wizardlm (https://github.com/h2oai/h2o-wizardlm), and of most cleaned sets.

    A task that itself speaks of such things, to play a chat bot for one, is left alone.
    """

    def reason(self, instruction: str, instance: Instance) -> str | None:
        if not any(map(_speaks_of_itself, answers(instance))):
            return None
        asked = parts(instruction, instance, ("instruction", "input"))
        return None if any(map(_OF_AI.search, asked)) else "as_an_ai"


def _speaks_of_itself(text: str) -> bool:
    lowered = text.lower()
    return any(sign in lowered for sign in _SIGNS) and _SELF.search(text) is not None
