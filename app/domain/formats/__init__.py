"""The export formats by name."""

from app.domain.format import Format
from app.domain.formats.alpaca import Alpaca
from app.domain.formats.baize import Baize
from app.domain.formats.chat_messages import ChatMessages
from app.domain.formats.cited_rows import CitedRows
from app.domain.formats.image_conversations import ImageConversations
from app.domain.formats.prompt_completion import PromptCompletion
from app.domain.formats.self_instruct_triples import SelfInstructTriples
from app.domain.formats.sharegpt import ShareGpt

FORMATS: dict[str, type[Format]] = {
    "self_instruct_triples": SelfInstructTriples,
    "alpaca": Alpaca,
    "prompt_completion": PromptCompletion,
    "chat_messages": ChatMessages,
    "sharegpt": ShareGpt,
    "baize": Baize,
    "image_conversations": ImageConversations,
    "cited_rows": CitedRows,
}
