"""The export formats by name."""

from app.domain.format import Format
from app.domain.formats.alpaca import Alpaca
from app.domain.formats.chat_messages import ChatMessages
from app.domain.formats.prompt_completion import PromptCompletion
from app.domain.formats.self_instruct_triples import SelfInstructTriples

FORMATS: dict[str, type[Format]] = {
    "self_instruct_triples": SelfInstructTriples,
    "alpaca": Alpaca,
    "prompt_completion": PromptCompletion,
    "chat_messages": ChatMessages,
}
