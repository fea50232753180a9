"""What goes wrong with cases, as problems of HTTP."""

import pytest

from ratelimit.review.case_error import CaseError, ConflictError, ForbiddenError, LockedError, NotFoundError
from ratelimit.web.case_problem import as_problems
from ratelimit.web.problems import ClientError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("no"), 404),
        (ForbiddenError("no"), 403),
        (ConflictError("no"), 409),
        (LockedError("no", "Tom Okafor", 5.0), 409),
        (CaseError("no"), 422),
    ],
)
def test_statuses(error: CaseError, status: int) -> None:
    """Each kind has its status, and keeps its words."""
    with pytest.raises(ClientError, match="no") as caught, as_problems():
        raise error
    assert caught.value.problem.status == status
