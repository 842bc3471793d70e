"""The methods by name; `app.domain.profiles.configure` turns one into a method with options."""

from collections.abc import Mapping

from app.domain.methods.alpaca import Alpaca
from app.domain.methods.answer import AnswerSeeds
from app.domain.methods.evol_instruct import EvolInstruct
from app.domain.methods.grounded import Grounded
from app.domain.methods.instruction_wild import InstructionWild
from app.domain.methods.judge import JudgeRows
from app.domain.methods.magpie import Magpie
from app.domain.methods.mix import Mix
from app.domain.methods.multimodal_text import MultimodalText
from app.domain.methods.self_chat import SelfChat
from app.domain.methods.self_instruct import SelfInstruct
from app.domain.methods.template import TemplateRows
from app.domain.profiles import PublishedMethod

METHODS: Mapping[str, type[PublishedMethod]] = {
    "self_instruct": SelfInstruct,
    "alpaca": Alpaca,
    "instruction_wild": InstructionWild,
    "answer": AnswerSeeds,
    "evol_instruct": EvolInstruct,
    "self_chat": SelfChat,
    "magpie": Magpie,
    "multimodal_text": MultimodalText,
    "template": TemplateRows,
    "mix": Mix,
    "grounded": Grounded,
    "judge": JudgeRows,
}
