"""Every page of the dashboard: one module each, in the order in which addresses are tried."""

from app.dashboard.context import page_router
from app.dashboard.pages import PAGES

router = page_router()
for each in PAGES:
    router.include_router(each.router)
