"""The pages: a module with a `router` and a template each, and a line here."""

from app.dashboard.pages import files, first_steps, job, job_actions, jobs, new_job

PAGES = (files, first_steps, jobs, new_job, job_actions, job)
