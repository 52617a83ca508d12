"""Each kind of attack of `make hostile` once, at a small scale. Only bounds count, and no times."""

import math
from collections.abc import Iterator

import pytest

from drills.hostile.attacks import ATTACKS
from drills.hostile.hosts import Hosts
from drills.hostile.report import Result
from drills.hostile.target import Target, target_of
from drills.hostile.watch import watching
from tests.e2e.conftest import System

pytestmark = pytest.mark.slow

SHORT = [probe for probe in ATTACKS if probe.is_short]


@pytest.fixture(scope="module")
def target(system: System, hosts: Hosts) -> Iterator[Target]:
    with target_of(system.stack, system.sandbox, hosts) as target:
        yield target


@pytest.mark.parametrize("kind", sorted({probe.kind for probe in SHORT}))
def test_attacks_keep_within_their_bounds_and_the_next_honest_order_completes(target: Target, kind: str) -> None:
    breaches = []
    for probe in (probe for probe in SHORT if probe.kind == kind):
        with watching(target) as seen:
            answer = probe.attack(target)
        breaches += [f"{probe.name}: {breach}" for breach in Result(probe, answer, seen).breaches(with_times=False)]
    assert breaches == []
    assert math.isfinite(target.good_order())
