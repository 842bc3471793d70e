"""What Self-Instruct writes of each accepted instruction, before it has any instance.

Wang et al. 2023, https://arxiv.org/abs/2212.10560: `machine_generated_instructions.jsonl`, which
its later steps read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format
from app.domain.records import Origin, Row


@dataclass(frozen=True, kw_only=True)
class SelfInstructInstructions(Format):
    """`{"instruction", "most_similar", "avg_similarity_score", "metadata", "request_idx"}`.

    `metadata` holds the prompt, the reply as a completion response, and when it came.
    """

    name: ClassVar[str] = "self_instruct_instructions"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Self-Instruct's accepted instructions with prompt and reply."
    fixed_columns: ClassVar[bool] = False
    per_task: ClassVar[bool] = True
    wants_origin: ClassVar[bool] = True

    def unfit(self, row: Row) -> str | None:
        """An instruction that no call proposed has neither prompt nor reply."""
        return None if row.origin else "no_proposing_call"

    def line(self, row: Row) -> Mapping[str, object]:
        """The instruction and how it came about."""
        origin = row.origin or Origin(0, "", "", None, "", {}, 0.0)
        return {
            "instruction": row.instruction,
            "most_similar": dict(origin.most_similar),
            "avg_similarity_score": origin.avg_similarity_score,
            "metadata": _metadata(origin),
            "request_idx": origin.number,
        }


def _metadata(origin: Origin) -> Mapping[str, object]:
    choice = {
        "text": origin.reply,
        "index": 0,
        "logprobs": None,
        "finish_reason": origin.finish_reason,
    }
    return {
        "prompt": origin.prompt,
        "response": {"choices": [choice]},
        "created_at": origin.received_at,
    }
