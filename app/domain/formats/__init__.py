"""The export formats by name."""

from app.domain.format import Format
from app.domain.formats.alpaca import Alpaca
from app.domain.formats.alpaca_jsonl import AlpacaJsonl
from app.domain.formats.baize import Baize
from app.domain.formats.chat_messages import ChatMessages
from app.domain.formats.cited_rows import CitedRows
from app.domain.formats.evol_instruct import EvolInstruct
from app.domain.formats.flan_cot import FlanCot
from app.domain.formats.gpt3_finetuning import Gpt3Finetuning
from app.domain.formats.handoff import Handoff
from app.domain.formats.image_conversations import ImageConversations
from app.domain.formats.instruction_wild import InstructionWild
from app.domain.formats.moss import Moss
from app.domain.formats.openai_chat import OpenaiChat
from app.domain.formats.prompt_completion import PromptCompletion
from app.domain.formats.regen import Regen
from app.domain.formats.seed_tasks import SeedTasks
from app.domain.formats.self_instruct_instructions import SelfInstructInstructions
from app.domain.formats.self_instruct_triples import SelfInstructTriples
from app.domain.formats.sharegpt import ShareGpt
from app.domain.formats.trl import Trl

FORMATS: dict[str, type[Format]] = {
    "self_instruct_instructions": SelfInstructInstructions,
    "self_instruct_triples": SelfInstructTriples,
    "gpt3_finetuning": Gpt3Finetuning,
    "seed_tasks": SeedTasks,
    "alpaca": Alpaca,
    "alpaca_jsonl": AlpacaJsonl,
    "regen": Regen,
    "instruction_wild": InstructionWild,
    "evol_instruct": EvolInstruct,
    "baize": Baize,
    "moss": Moss,
    "flan_cot": FlanCot,
    "prompt_completion": PromptCompletion,
    "chat_messages": ChatMessages,
    "sharegpt": ShareGpt,
    "openai_chat": OpenaiChat,
    "trl": Trl,
    "handoff": Handoff,
    "image_conversations": ImageConversations,
    "cited_rows": CitedRows,
}
