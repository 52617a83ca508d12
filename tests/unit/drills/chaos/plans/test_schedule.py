import os
import subprocess
import sys
from collections import Counter

import pytest

from drills.chaos.checks.recoveries import disturbances, is_kill_of_a_worker
from drills.chaos.faults import Record
from drills.chaos.plans.plan import full, short
from drills.chaos.plans.schedule import FaultKind, LinkName
from drills.chaos.plans.vendors import SHARES, VendorFault, usual_scenarios
from workers.roles import Role

SEEDS = range(5)


DIGEST = "import sys; from drills.chaos.plans.plan import full; print(full(int(sys.argv[1]), 20).digest)"


@pytest.mark.parametrize("seed", SEEDS)
def test_same_seed_gives_the_same_schedule(seed: int) -> None:
    assert full(seed, 20).faults == full(seed, 20).faults
    assert full(seed, 20).orders == full(seed, 20).orders


def test_same_seed_gives_the_same_schedule_in_every_process() -> None:
    digests = [
        subprocess.run(
            [sys.executable, "-c", DIGEST, "7"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    ]
    assert digests == [full(7, 20).digest] * 2


@pytest.mark.slow
def test_another_seed_or_length_gives_another_schedule() -> None:
    digests = {full(seed, minutes).digest for seed in SEEDS for minutes in (1, 20)}
    assert len(digests) == 2 * len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_twenty_minutes_hold_300_faults_and_5000_orders(seed: int) -> None:
    plan = full(seed, 20)
    assert len(plan.faults) >= 300
    assert len(plan.orders) >= 5000
    assert {fault.kind for fault in plan.faults} == set(FaultKind)
    assert {order.vendor_fault for order in plan.orders} == {None, *VendorFault}
    assert set(LinkName) | set(Role) | {"gateway", "beat"} <= {fault.target for fault in plan.faults}


@pytest.mark.parametrize("seed", SEEDS)
def test_most_kills_of_workers_have_an_undisturbed_recovery(seed: int) -> None:
    records = [
        Record(fault, fault.at, ended=fault.at + fault.seconds, happened=True, recoveries=[14.0])
        for fault in full(seed, 20).faults
    ]
    idle = {Role.REQUESTS, Role.NOTIFY}
    kills = [record for record in records if is_kill_of_a_worker(record.fault) and record.fault.target not in idle]
    undisturbed = [kill for kill in kills if not disturbances(kill, records)]
    assert 48 <= len(undisturbed) < len(kills)


@pytest.mark.parametrize("seed", SEEDS)
def test_target_in_trouble_gets_no_second_fault(seed: int) -> None:
    over_at: dict[str, float] = {}
    for fault in full(seed, 20).faults:
        assert fault.at >= over_at.get(fault.target, 0.0)
        over_at[fault.target] = fault.at + fault.seconds


@pytest.mark.parametrize("seed", SEEDS)
def test_short_run_has_every_kind_of_fault_but_kill_group(seed: int) -> None:
    kinds = Counter(fault.kind for fault in short(seed).faults)
    assert set(kinds) == set(FaultKind) - {FaultKind.KILL_GROUP}
    assert kinds[FaultKind.KILL] == 5


def test_scenario_matches_only_its_own_order() -> None:
    orders = full(1, 20).orders
    (one,) = (order for order in orders if order.number == 1)
    prompts = {order.number: str(order.request(60)["prompt"]) for order in orders}
    assert [number for number, prompt in prompts.items() if one.key in prompt] == [1]


def test_sandbox_accepts_every_scenario_of_the_vendors_faults() -> None:
    scenarios = [order.scenario() for order in full(1, 20).orders if order.vendor_fault is not None]
    assert None not in scenarios
    assert len(usual_scenarios()) == len(SHARES)
