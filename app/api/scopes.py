"""Which scope each address of the REST face asks for; a test holds this against all routes."""

from app.domain.access import Scope
from app.domain.gatekeeping import Rule

RULES = (
    *(
        Rule(f"/v1/{name}", Scope.DATASETS_READ, Scope.DATASETS_WRITE)
        for name in (
            "seed-sets",
            "template-sets",
            "labelled-sets",
            "document-sets",
            "evaluation-sets",
            "rows",
            "exports",
            "reviews",
        )
    ),
    Rule("/v1/jobs", Scope.JOBS_READ, Scope.JOBS_WRITE),
    Rule("/v1/estimates", Scope.JOBS_READ, Scope.JOBS_READ),
    Rule("/v1/teachers", Scope.JOBS_READ, Scope.TEACHERS_WRITE),
    Rule("/v1/comparisons", Scope.JOBS_READ, Scope.JOBS_WRITE),
    Rule("/v1/training-runs", Scope.TRAIN, Scope.TRAIN),
    Rule("/v1/api-keys", Scope.ADMIN, Scope.ADMIN),
    Rule("/v1/audit-log", Scope.ADMIN, Scope.ADMIN),
    *(
        Rule(f"/v1/{name}")
        for name in (
            "methods",
            "formats",
            "packaging",
            "filters",
            "review-reasons",
            "tuning-methods",
        )
    ),
    Rule("/metrics", Scope.JOBS_READ, Scope.JOBS_READ),
    *(Rule(path) for path in ("/docs", "/redoc", "/openapi.json", "/static-offline-docs")),
    # What tells a monitor that the process lives, and what a refusal's code means.
    *(Rule(path, free=True) for path in ("/healthz", "/readyz", "/problems")),
)
