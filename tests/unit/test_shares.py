from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event, Timer
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


def test_patient_work_waits_for_quick_work() -> None:
    shares, customer, may_end = Shares(each=1, total=2), uuid4(), Event()

    def quick() -> None:
        with shares.taken_by(customer):
            started.set()
            may_end.wait()

    started = Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(quick)
        started.wait()
        Timer(0.05, may_end.set).start()
        with shares.taken_by(customer, patience_seconds=60):
            assert may_end.is_set()


def test_patient_work_does_not_wait_beside_slow_work() -> None:
    shares, customer = Shares(each=1, total=1), uuid4()
    with (
        shares.taken_by(customer),
        pytest.raises(NoPlace) as own,
        shares.taken_by(customer, patience_seconds=0.05),
    ):
        pass
    assert own.value.is_own
    with (
        shares.taken_by(customer),
        pytest.raises(NoPlace) as all_taken,
        shares.taken_by(uuid4(), patience_seconds=0.05),
    ):
        pass
    assert not all_taken.value.is_own


def test_a_place_is_free_again_at_the_end_of_the_work_also_after_an_error() -> None:
    shares, customer = Shares(each=1, total=1), uuid4()
    for _ in range(3):
        with pytest.raises(ValueError, match="work"), shares.taken_by(customer):
            raise ValueError("work failed")
