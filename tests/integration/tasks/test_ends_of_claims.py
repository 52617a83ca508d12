"""A claim ends with its outcome. The messages about the outcome may wait for Redis afterwards."""

from dataclasses import replace

from schemas.enums import Stage
from tests.integration.tasks.conftest import Lives


def test_claim_has_ended_before_its_step_waits_for_redis(lives: Lives) -> None:
    life = lives.begin()
    held: list[int] = []
    leases = life.worker.leases
    life.worker = replace(life.worker, announce=lambda *_: held.append(leases.count))
    assert life.step() is Stage.GENERATING
    # The create goes on under the claim of its intent. The last outcome ends the claim.
    assert (held[0], held[-1]) == (1, 0)
