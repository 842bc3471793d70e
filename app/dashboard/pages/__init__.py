"""The pages: a module with a `router` and a template each, and a line here."""

from app.dashboard.pages import files, job, job_actions, jobs

PAGES = (files, jobs, job_actions, job)
