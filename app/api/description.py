"""The API's own description (OpenAPI), completed with the shape of problem reports."""

from typing import Any

from fastapi import FastAPI

from app.api.problems import SCHEMA_NAME, ProblemReport

TITLE = "Cultivar"
SUMMARY = "Grows an instruction-tuning dataset from a handful of seeds, and trains a model on it."
DESCRIPTION = """\
Upload seeds, register a teacher, submit a job, download its rows. Lists come in pages
(`items`, `next`); refusals are problem reports (RFC 9457) with a stable `code`; a job's status
carries an ETag and names the interval at which to ask again (`poll_after_s`, `Retry-After`).
"""
_KEY = {"type": "http", "scheme": "bearer", "description": "an API key, or the machine's token"}
_REFERENCE = "#/components/schemas/{model}"


def install(app: FastAPI) -> None:
    """Let the application describe itself with our problem reports in place of FastAPI's."""
    described = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = described()
            schemas = description.setdefault("components", {}).setdefault("schemas", {})
            schemas |= _problem_schemas()
            description["components"]["securitySchemes"] = {"key": _KEY}
            description["security"] = [{"key": []}]
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = complete


def _problem_schemas() -> dict[str, Any]:
    schema = ProblemReport.model_json_schema(ref_template=_REFERENCE)
    return {**schema.pop("$defs", {}), SCHEMA_NAME: schema}
