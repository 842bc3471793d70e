"""What is going to happen to one call: the reply's bytes, its wait and how it is sent."""

from dataclasses import dataclass
from enum import StrEnum

JSON_HEADERS = ((b"content-type", b"application/json"),)


class Delivery(StrEnum):
    """How a reply leaves the server."""

    WHOLE = "whole"
    DRIP = "drip"
    HANG = "hang"
    RESET_EARLY = "reset_early"
    RESET_MIDWAY = "reset_midway"


@dataclass(frozen=True, slots=True)
class Plan:
    """One reply: `outcome` names it in the log, `wait_s` counts from the call's arrival."""

    outcome: str
    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = JSON_HEADERS
    delivery: Delivery = Delivery.WHOLE
    wait_s: float = 0.0
