"""The pages: a module with a `router` and a template each, and a line here."""

from app.dashboard.pages import (
    documents,
    exports,
    files,
    first_steps,
    job,
    job_actions,
    jobs,
    missing,
    new_job,
    rows,
    seed_sets,
    teachers,
    template_sets,
    training,
)

# An address is tried in this order, and `/jobs/new` is no job.
PAGES = (
    files,
    first_steps,
    jobs,
    new_job,
    job_actions,
    job,
    seed_sets,
    template_sets,
    documents,
    teachers,
    rows,
    exports,
    training,
    missing,
)
