"""Which scope each page of the dashboard asks for; a test holds this against all routes."""

from app.domain.access import Scope
from app.domain.gatekeeping import Rule

_DATASETS = (
    "seed-sets",
    "template-sets",
    "labelled-sets",
    "documents",
    "evaluation-sets",
    "rows",
    "exports",
    "reviews",
)

RULES = (
    *(Rule(path, exact=True) for path in ("/", "/dashboard", "/dashboard/access")),
    Rule("/dashboard/jobs", Scope.JOBS_READ, Scope.JOBS_WRITE),
    *(
        Rule(f"/dashboard/{name}", Scope.DATASETS_READ, Scope.DATASETS_WRITE)
        for name in (*_DATASETS, "samples/seeds")
    ),
    Rule("/dashboard/teachers", Scope.JOBS_READ, Scope.TEACHERS_WRITE),
    # The sample job registers the demo teacher where it is missing.
    *(
        Rule(f"/dashboard/samples/{name}", Scope.TEACHERS_WRITE, Scope.TEACHERS_WRITE)
        for name in ("teacher", "job")
    ),
    Rule("/dashboard/comparisons", Scope.JOBS_READ, Scope.JOBS_WRITE),
    Rule("/dashboard/training", Scope.TRAIN, Scope.TRAIN),
    Rule("/dashboard/access/keys", Scope.ADMIN, Scope.ADMIN),
    Rule("/dashboard/access/audit", Scope.ADMIN, Scope.ADMIN),
    *(Rule(f"/dashboard/{name}", free=True) for name in ("static", "login", "logout")),
)
