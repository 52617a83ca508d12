"""The fluid fair queue, against results that can be found by hand."""

import pytest

from bench.fairness.fluid import Job, starts


def test_one_customer_is_served_in_order_at_the_whole_rate() -> None:
    jobs = [Job(number, "only", 0.0, cost=10.0) for number in range(3)]
    assert starts(jobs, rate=2.0) == {0: 0.0, 1: 5.0, 2: 10.0}


def test_two_customers_share_the_rate_until_one_has_no_more() -> None:
    jobs = [Job(0, "big", 0.0, 10.0), Job(1, "big", 0.0, 10.0), Job(2, "small", 0.0, 10.0), Job(3, "small", 20.0, 10.0)]
    # Half the rate each until 20, then the new job of the small one shares again.
    assert starts(jobs, rate=1.0) == {0: 0.0, 2: 0.0, 1: 20.0, 3: 20.0}


def test_a_late_small_customer_does_not_wait_behind_a_backlog() -> None:
    jobs = [Job(number, "big", 0.0, 1.0) for number in range(100)] + [Job(100, "small", 30.0, 1.0)]
    begun = starts(jobs, rate=1.0)
    assert begun[100] == 30.0
    assert begun[99] == pytest.approx(100.0)


def test_weights_divide_the_rate() -> None:
    jobs = [Job(number, who, 0.0, 3.0) for number, who in enumerate("aabb")]
    begun = starts(jobs, rate=4.0, weights={"a": 3.0})
    assert [begun[1], begun[3]] == pytest.approx([1.0, 2.25])


def test_an_idle_server_starts_at_the_arrival() -> None:
    assert starts([Job(0, "a", 5.0, 1.0), Job(1, "a", 9.0, 1.0)], rate=1.0) == {0: 5.0, 1: 9.0}
