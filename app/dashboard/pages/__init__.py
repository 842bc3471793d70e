"""The pages: a module with a `router` and a template each, and a line here."""

from app.dashboard.pages import (
    access,
    documents,
    exports,
    files,
    first_steps,
    job,
    job_actions,
    jobs,
    login,
    missing,
    new_job,
    report,
    reviews,
    rows,
    seed_sets,
    teachers,
    template_sets,
    training,
)

# An address is tried in this order, and `/jobs/new` is no job.
PAGES = (
    files,
    login,
    first_steps,
    jobs,
    new_job,
    job_actions,
    job,
    report,
    seed_sets,
    template_sets,
    documents,
    teachers,
    reviews,
    rows,
    exports,
    training,
    access,
    missing,
)
