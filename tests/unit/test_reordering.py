"""The request that a retry makes of the first order."""

import pytest

from schemas.reordering import request_of
from tests.support import an_order


@pytest.mark.parametrize(("is_asked_for", "deadline"), [(True, 1800), (False, None)])
def test_retry_asks_for_the_deadline_that_the_first_request_asked_for(
    *, is_asked_for: bool, deadline: int | None
) -> None:
    order = an_order(deadline_seconds=1800).model_copy(update={"counts_from_acceptance": is_asked_for})
    assert request_of(order).deadline_seconds == deadline
