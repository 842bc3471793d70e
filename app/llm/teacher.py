"""What a teacher is, what is asked of it, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import SecretStr

from app.domain.method import Prompt

REPLY_LIMIT_BYTES = 8 * 1024 * 1024


class Endpoint(StrEnum):
    """Which endpoint of a service is asked: two write, one makes vectors, one scores rows.

    All but the last are OpenAI's; that is sent ``{"instruction", "input", "output"}`` and replies
    ``{"score": number}``.
    """

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    SCORE = "score"


@dataclass(frozen=True)
class Teacher:
    """One model at one service; `base_url` ends in its version, such as ``https://host/v1``.

    Prices are micro-USD per million tokens, None where unknown (0 is a free teacher).
    `extra_body` wins over every field that we would send; a null there removes the field.
    """

    id: str
    base_url: str
    model: str
    endpoint: Endpoint = Endpoint.CHAT
    api_key: SecretStr | None = None
    input_micro_usd_per_million: int | None = None
    output_micro_usd_per_million: int | None = None
    context_length: int | None = None
    max_concurrency: int = 100
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    extra_body: Mapping[str, object] = field(default_factory=dict[str, object])
    timeout_s: float = 180.0


class Outcome(StrEnum):
    """How one call ended; what it means for money is beside each."""

    ANSWERED = "answered"  # paid
    RATE_LIMITED = "rate_limited"  # unpaid
    QUOTA = "quota"  # unpaid: the account has no money left
    UNAUTHORIZED = "unauthorized"  # unpaid: key, permission, model name or address
    REFUSED = "refused"  # unpaid: this prompt will never be taken
    SERVER_ERROR = "server_error"  # unpaid
    NOT_SENT = "not_sent"  # unpaid: the request never left
    UNKNOWN = "unknown"  # perhaps paid: no whole answer to a request that was sent
    UNREADABLE = "unreadable"  # paid
    TOO_LARGE = "too_large"  # paid
    REDIRECTED = "redirected"  # unpaid: never followed


class Fault(StrEnum):
    """Where a call broke that brought no whole answer."""

    ADDRESS = "address"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIME_OUT = "time_out"
    RESET = "reset"
    WITHDRAWN = "withdrawn"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Texts:
    """What an embedder is asked: a vector for each of these texts."""

    texts: tuple[str, ...]
    step: str = "embed"


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of one call slot; `key` is the slot's id, or an embedding call's."""

    key: str
    attempt: int
    teacher: Teacher
    prompt: Prompt | Texts = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a call.

    `raw` is the body as far as it came, decompressed, at most 8 MiB; `true_length` its whole length
    in bytes where known. `retry_after_s` is what the teacher asked for, at most 600. `error` is
    readable, free of keys and at most 2,000 characters. `elapsed_s` counts from sending.
    """

    call: Call
    outcome: Outcome
    status: int | None = None
    raw: bytes = field(default=b"", repr=False)
    true_length: int | None = None
    request_id: str | None = None
    retry_after_s: float | None = None
    error: str | None = field(default=None, repr=False)
    elapsed_s: float = 0.0
    fault: Fault | None = None
