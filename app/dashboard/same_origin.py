"""Whether a form was sent by one of our own pages, so that no other site can press our buttons."""

from urllib.parse import urlsplit

from fastapi import Request

from app.dashboard.errors import CrossSite


def check_same_origin(request: Request) -> None:
    """Raise CrossSite unless the browser says that our own page sent this.

    Browsers say so in Sec-Fetch-Site, where they send it, and in Origin with every POST. What
    sends neither is no browser and belongs at the REST API.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise CrossSite("Another site sent this form.")
        return
    origin = request.headers.get("origin")
    # The scheme is left out: behind a proxy ours may differ from the one the browser sees.
    if origin is None or urlsplit(origin).netloc != request.headers.get("host"):
        raise CrossSite("This form did not come from a page of this service.")
