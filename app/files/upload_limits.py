"""The limits of an uploaded file, each of which a reader states when it refuses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How much one upload may hold; `max_keys` and `max_depth` count per object and per line."""

    max_bytes: int = 100 * 1024 * 1024
    max_line_bytes: int = 1024 * 1024
    max_lines: int = 1_000_000
    max_field_chars: int = 32_768
    max_depth: int = 32
    max_keys: int = 64
    max_columns: int = 256
    max_errors_listed: int = 100
