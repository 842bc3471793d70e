"""Conditional requests (RFC 9110 §13): whether the caller has what we would send."""


def matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names this ETag; weak and strong compare alike here."""
    if header is None:
        return False
    given = {each.strip().removeprefix("W/") for each in header.split(",")}
    return "*" in given or etag.removeprefix("W/") in given
