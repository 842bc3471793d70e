"""The marks with which families of chat models part turns, for the raw completions endpoint.

The mark at the very beginning of a text is left out: servers add it themselves.
"""

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """Models that part turns alike."""

    LLAMA3 = "llama3"
    CHATML = "chatml"
    MISTRAL = "mistral"
    GEMMA = "gemma"
    PHI3 = "phi3"
    ZEPHYR = "zephyr"


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """What opens a user's turn, ends it and opens the assistant's; `system` holds ``{{system}}``.

    A family without a place for a system message has an empty `system`. `stops` end any turn.
    """

    user_opens: str
    assistant_opens: str
    stops: tuple[str, ...]
    system: str = ""


TEMPLATES = {
    Family.LLAMA3: ChatTemplate(
        "<|start_header_id|>user<|end_header_id|>\n\n",
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        ("<|eot_id|>", "<|end_of_text|>", "<|start_header_id|>"),
        "<|start_header_id|>system<|end_header_id|>\n\n{{system}}<|eot_id|>",
    ),
    # Qwen, Yi and many more.
    Family.CHATML: ChatTemplate(
        "<|im_start|>user\n",
        "<|im_end|>\n<|im_start|>assistant\n",
        ("<|im_end|>", "<|endoftext|>", "<|im_start|>"),
        "<|im_start|>system\n{{system}}<|im_end|>\n",
    ),
    Family.MISTRAL: ChatTemplate("[INST] ", " [/INST]", ("[/INST]", "[INST]", "</s>")),
    Family.GEMMA: ChatTemplate(
        "<start_of_turn>user\n",
        "<end_of_turn>\n<start_of_turn>model\n",
        ("<end_of_turn>", "<start_of_turn>"),
    ),
    Family.PHI3: ChatTemplate(
        "<|user|>\n",
        "<|end|>\n<|assistant|>\n",
        ("<|end|>", "<|endoftext|>", "<|user|>"),
        "<|system|>\n{{system}}<|end|>\n",
    ),
    Family.ZEPHYR: ChatTemplate(
        "<|user|>\n",
        "</s>\n<|assistant|>\n",
        ("</s>", "<|user|>", "<|assistant|>"),
        "<|system|>\n{{system}}</s>\n",
    ),
}
