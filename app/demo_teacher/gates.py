"""What stands before the script: the key, the quota and the token bucket."""

import math
from dataclasses import dataclass

from app.demo_teacher.protocol import RequestError


@dataclass
class TokenBucket:
    """`burst` calls at once, refilled at `rate_per_s`; `now_s` is any steady clock."""

    rate_per_s: float
    burst: int
    filled: float
    filled_at_s: float

    def take(self, now_s: float) -> float:
        """Take one call: 0.0 if it was there, else the seconds until it will be."""
        grown = self.filled + (now_s - self.filled_at_s) * self.rate_per_s
        self.filled, self.filled_at_s = min(float(self.burst), grown), now_s
        if self.filled >= 1.0:
            self.filled -= 1.0
            return 0.0
        return (1.0 - self.filled) / self.rate_per_s


def rate_limit_headers(bucket: TokenBucket, wait_s: float) -> list[tuple[bytes, bytes]]:
    """OpenAI's rate limit headers, with Retry-After in whole seconds when there is a wait."""
    reset_ms = math.ceil((bucket.burst - bucket.filled) / bucket.rate_per_s * 1000)
    headers = [
        (b"x-ratelimit-limit-requests", str(bucket.burst).encode()),
        (b"x-ratelimit-remaining-requests", str(int(bucket.filled)).encode()),
        (b"x-ratelimit-reset-requests", f"{reset_ms}ms".encode()),
    ]
    if wait_s > 0:
        headers.append((b"retry-after", str(max(1, math.ceil(wait_s))).encode()))
    return headers


def rate_limited(wait_s: float | None = None) -> RequestError:
    """429, come again later."""
    when = "later" if wait_s is None else f"in {wait_s:.3f}s"
    return RequestError(
        f"Rate limit reached for requests. Please try again {when}.",
        status=429,
        kind="requests",
        code="rate_limit_exceeded",
    )


def quota_used_up() -> RequestError:
    """429, and no waiting will help."""
    return RequestError(
        "You exceeded your current quota, please check your plan and billing details.",
        status=429,
        kind="insufficient_quota",
        code="insufficient_quota",
    )


def unauthorized() -> RequestError:
    """401, the key is not known."""
    return RequestError("Incorrect API key provided.", status=401, code="invalid_api_key")
