"""Which stored replies may stand for a new call: those to the very same request."""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class Reuse(StrEnum):
    """Whether a job takes replies that earlier jobs have paid for before it asks for new ones."""

    PREFER = "prefer"
    NEVER = "never"


class Service(Protocol):
    """What makes a teacher the one that it is: one model at one address, asked in one way."""

    @property
    def base_url(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def endpoint(self) -> str: ...

    @property
    def extra_body(self) -> Mapping[str, object]: ...


def service_digest(service: Service) -> str:
    """Hex sha256 over all that changes a reply and is not the prompt; names and keys do not."""
    seen = {
        "base_url": service.base_url.rstrip("/"),
        "model": service.model,
        "endpoint": str(service.endpoint),
        "extra_body": dict(service.extra_body),
    }
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def request_digest(service: Service, prompt_digest: str) -> bytes:
    """The sha256 under which a reply is stored: of the prompt, its decoding and the service.

    Postgres computes the same for slots that wait: sha256 over the two hex digests.
    """
    return hashlib.sha256(f"{prompt_digest}{service_digest(service)}".encode()).digest()
