"""What the dashboard makes of each kind of failure: a status and a page for people."""

from collections.abc import Mapping

from app import errors


class CrossSite(Exception):
    """A form that another site sent; its request is refused."""


# A kind that is not named here takes the status of the nearest kind above it.
STATUSES: Mapping[type[Exception], int] = {
    errors.CultivarError: 500,
    errors.InvalidInput: 422,
    errors.InvalidUpload: 422,
    errors.InvalidDocument: 422,
    errors.TooLarge: 413,
    errors.NotText: 415,
    errors.MalformedRequest: 400,
    errors.UnknownCursor: 404,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.InUse: 409,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.RateLimited: 429,
    errors.TeacherFailure: 422,
    errors.StoreFailure: 502,
    errors.InsufficientStorage: 507,
    errors.DatabaseFull: 503,
    errors.Unavailable: 503,
    CrossSite: 403,
}


def status_of(error: Exception) -> int:
    """The status for a failure: that of the nearest kind."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
