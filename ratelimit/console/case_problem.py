"""What goes wrong with cases and actions, as problems of HTTP; a page says them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ratelimit.review.case_error import CaseError, ConflictError, ForbiddenError, LockedError, NotFoundError
from ratelimit.web.problems import ClientError

_STATUSES: Final = ((NotFoundError, 404), (ForbiddenError, 403), (LockedError, 409), (ConflictError, 409))


@contextmanager
def as_problems() -> Iterator[None]:
    """What goes wrong inside is the mistake of whoever asked."""
    try:
        yield
    except CaseError as error:
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 422)
        raise ClientError(status, str(error)) from None
