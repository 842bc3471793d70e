"""What a caller asks for when a job is submitted or estimated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.domain.lifecycle import Delivery
from app.domain.materials import JobSource
from app.domain.profiles import DEFAULT_PROFILE
from app.domain.reuse import Reuse

CALLS_PER_ROW = 10


@dataclass(frozen=True, slots=True)
class JobDetails:
    """A job as a caller describes it; money in micro-USD, `cap_calls` None means 10 calls a row.

    What a method has no use for stays None. Without `target_rows` a method that makes no calls
    takes all there is.
    """

    seed_set_id: UUID | None = None
    teacher_id: UUID | None = None
    target_rows: int | None = None
    name: str = ""
    method: str = "self_instruct"
    profile: str = DEFAULT_PROFILE
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    cap_micro_usd: int | None = None
    cap_calls: int | None = None
    random_seed: int = 42
    delivery: Delivery = Delivery.CALLS
    tokens: str | None = None
    embedder_id: UUID | None = None
    reuse: str = Reuse.NEVER
    labelled_set_id: UUID | None = None
    template_set_id: UUID | None = None
    sources: Sequence[JobSource] = ()
    prompts: Mapping[str, str] = field(default_factory=dict[str, str])
    filters: Mapping[str, object] = field(default_factory=dict[str, object])
    decontamination: Mapping[str, object] | None = None
