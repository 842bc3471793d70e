"""Tuning methods over HTTP: what each allows, its defaults, and the settings of a run."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.methods import OptionOut
from app.api.paging import PageOf
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.domain.training_config import config_fields, config_schema
from app.domain.tuning import TUNING_METHODS, Tuning, TuningMethod, servable

router = APIRouter(prefix="/v1/tuning-methods", tags=["training"], route_class=StrictRoute)
_BESIDE = ("base_model", "method")  # of a run itself, not of its settings


class ServableOut(BaseModel):
    """Where a result can be served."""

    transformers: bool
    vllm: bool = Field(description="as it is, unmerged")
    merged: bool = Field(description="worked into its base")


class TuningMethodOut(BaseModel):
    """One way to tune a model."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    title: str
    paper: str
    note: str
    packing: bool = Field(description="whether rows may share a sequence")
    checkpointing: bool = Field(description="whether activations may be computed again")
    learning_rate: float = Field(description="the default")
    needs_cuda: bool
    starts_as_base: bool = Field(description="before the first step its outputs are the base's")
    servable: ServableOut
    own_settings: list[str] = Field(description="settings that not every method has")
    settings: list[OptionOut] = Field(description="all that a run of it takes in `settings`")
    json_schema: dict[str, Any] = Field(
        validation_alias="schema", description="JSON schema of those `settings`"
    )


@router.get("", response_model=PageOf[TuningMethodOut], responses=problems())
def list_tuning_methods() -> PageOf[TuningMethodOut]:
    """All ways to tune a model, in one page."""
    items = [_shown(name, method) for name, method in TUNING_METHODS.items()]
    return PageOf(items=items, next=None)


def _shown(name: Tuning, method: TuningMethod) -> TuningMethodOut:
    fields = [each for each in config_fields(name) if each.name not in _BESIDE]
    return TuningMethodOut(
        name=name,
        title=method.title,
        paper=method.paper,
        note=method.note,
        packing=method.packing,
        checkpointing=method.checkpointing,
        learning_rate=method.learning_rate,
        needs_cuda=method.needs_cuda,
        starts_as_base=method.starts_as_base,
        servable=ServableOut(**servable(name)),
        own_settings=list(method.options),
        settings=[OptionOut.model_validate(each) for each in fields],
        json_schema=dict(config_schema({each.name for each in fields})),
    )
