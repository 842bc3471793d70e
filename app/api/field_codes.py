"""Fields whose faults have a code of their own, whatever is wrong with the value."""

from collections.abc import Mapping

FIELD_CODES: Mapping[str, str] = {
    "/cap_micro_usd": "budget_invalid",
    "/api_key": "key_format",
}


def code_at(pointer: str, code: str) -> str:
    """The field's own code, or the given one."""
    return FIELD_CODES.get(pointer, code)
