"""Media types: those of this face, and whether an Accept header lets one of them pass."""

from collections.abc import Sequence

JSON_TYPES = ("application/json", "application/problem+json")
JSONL = "application/x-ndjson"
JSONL_TYPES = (JSONL, "application/ndjson", "application/jsonl", "application/x-jsonlines")

# Of an export, by the last suffix of its file.
FILE_TYPES = {
    ".jsonl": JSONL,
    ".gz": "application/gzip",
    ".json": "application/json",
    ".tsv": "text/tab-separated-values",
    ".parquet": "application/vnd.apache.parquet",
    ".zip": "application/zip",
}


def accepts(accept: str, offered: Sequence[str]) -> bool:
    """Whether an Accept header (RFC 9110) allows any of the offered types."""
    ranges = [each for each in accept.split(",") if each.strip()]
    return not ranges or any(_allows(each, offered) for each in ranges)


def _allows(media_range: str, offered: Sequence[str]) -> bool:
    wanted, *parameters = (part.strip().lower() for part in media_range.split(";"))
    if any(parameter.replace(" ", "").rstrip("0.") == "q=" for parameter in parameters):
        return False
    if wanted in {"*/*", "*"}:
        return True
    main, _, sub = wanted.partition("/")
    if sub == "*":
        return any(each.startswith(f"{main}/") for each in offered)
    return wanted in offered
