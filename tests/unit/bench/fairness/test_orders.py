"""The planned orders of the fairness bench."""

from collections import Counter

from bench.fairness.orders import BIG, CUSTOMERS, lengths, plan


def test_one_customer_sends_three_quarters_and_the_others_share_the_rest() -> None:
    orders = plan(2000, mean_seconds=5, a_second=4, seed=1)
    counts = Counter(order.customer for order in orders)
    assert counts.pop(BIG) == 1500
    assert set(counts) == set(range(1, CUSTOMERS))
    assert sum(counts.values()) == 500
    assert max(counts.values()) - min(counts.values()) == 1


def test_small_customers_order_within_three_fifths_of_the_time_that_all_work_takes() -> None:
    orders = plan(2000, mean_seconds=5, a_second=4, seed=1)
    assert max(order.at for order in orders) <= 0.6 * 2000 / 4
    assert [order.at for order in orders] == sorted(order.at for order in orders)


def test_the_same_seed_plans_the_same_orders() -> None:
    assert plan(60, mean_seconds=5, a_second=4, seed=1) == plan(60, mean_seconds=5, a_second=4, seed=1)
    assert plan(60, mean_seconds=5, a_second=4, seed=1) != plan(60, mean_seconds=5, a_second=4, seed=2)


def test_no_prompt_contains_the_words_of_another_length() -> None:
    found = {order.prompt.partition(" of customer")[0] for order in plan(400, mean_seconds=5, a_second=4, seed=1)}
    assert len(found) == len(lengths(5))
    assert not [(one, other) for one in found for other in found if one != other and one in other]
