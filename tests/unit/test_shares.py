from contextlib import ExitStack
from uuid import uuid4

import pytest

from schemas.shares import NoPlace, Shares


def test_one_customer_takes_only_a_share() -> None:
    shares, one, other = Shares(each=2, total=3), uuid4(), uuid4()
    with ExitStack() as stack:
        stack.enter_context(shares.taken_by(one))
        stack.enter_context(shares.taken_by(one))
        with pytest.raises(NoPlace) as own, shares.taken_by(one):
            pass
        assert own.value.is_own
        stack.enter_context(shares.taken_by(other))
        with pytest.raises(NoPlace) as all_taken, shares.taken_by(other):
            pass
        assert not all_taken.value.is_own


def test_a_place_is_free_again_at_the_end_of_the_work_also_after_an_error() -> None:
    shares, customer = Shares(each=1, total=1), uuid4()
    for _ in range(3):
        with pytest.raises(ValueError, match="work"), shares.taken_by(customer):
            raise ValueError("work failed")
