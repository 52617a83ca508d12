"""A worker that runs the next stage under the same claim when the step is short."""

from dataclasses import replace

import pytest

from schemas.enums import AssetRole, ErrorCode, EventName, Stage
from schemas.stages import TERMINAL
from storage.claims import Claim
from storage.leases import Lease
from storage.ledger import Balance
from tasks import pipeline, store
from tasks.outcomes import Advance
from tasks.services import WorkerServices
from tasks.settle import settle
from tests.integration.tasks.conftest import Life, Lives

VIDEO = {"model": "kling-2.6-text-to-video", "duration_seconds": 5, "aspect_ratio": "16:9"}


def joining(life: Life) -> Life:
    """The same life, with a worker that joins stages."""
    pipeline = life.settings.pipeline.model_copy(update={"joins_stages": True})
    life.worker = replace(life.worker, settings=life.settings.model_copy(update={"pipeline": pipeline}))
    return life


def test_small_image_completes_under_the_claim_of_its_download(lives: Lives) -> None:
    life = joining(lives.begin({"aspect_ratio": "16:9"}))
    life.go(until=frozenset({Stage.DOWNLOADING}))
    attempt = life.row.attempt
    assert life.step() is Stage.COMPLETED
    assert life.row.attempt == attempt + 1, "one claim for all"
    assert life.row.lease_token is None
    (result,) = life.assets
    assert (result.role, result.width, result.height) == (AssetRole.RESULT, 1344, 768)
    stored = life.worker.objects.stat(result.object_key)
    assert stored is not None
    assert stored.size_bytes == result.size_bytes
    assert life.balance == Balance(available=1000 - life.row.credits, held=0)
    assert [event.stage for event in life.events][-3:] == [Stage.STORING, Stage.SETTLING, Stage.COMPLETED]


def test_video_is_stored_and_settled_under_a_second_claim(lives: Lives) -> None:
    life = joining(lives.begin(VIDEO))
    life.go(until=frozenset({Stage.DOWNLOADING}))
    assert life.step() is Stage.STORING
    assert life.step() is Stage.COMPLETED


def test_error_in_a_joined_stage_counts_for_that_stage(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    life = joining(lives.begin())
    life.go(until=frozenset({Stage.DOWNLOADING}))

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug in the look at the file")

    with monkeypatch.context() as bug:
        bug.setattr(store, "_read", broken)
        assert life.step() is Stage.STORING
    assert (life.row.crashes, life.row.lease_token) == (1, None)
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_another_worker_finishes_after_a_death_between_joined_stages(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = joining(lives.begin())
    life.go(until=frozenset({Stage.DOWNLOADING}))

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as death:
        death.setattr(pipeline, "settle", die)
        with pytest.raises(SystemExit):
            life.step()
    assert life.row.stage is Stage.SETTLING
    life.set("lease_until = clock_timestamp() - interval '1 second'")
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.balance == Balance(available=1000 - life.row.credits, held=0)


def test_worker_without_its_lease_settles_nothing(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    life = joining(lives.begin())
    life.go(until=frozenset({Stage.DOWNLOADING}))

    def late(services: WorkerServices, claim: Claim, lease: Lease) -> Advance:
        life.set("lease_token = gen_random_uuid()")
        return settle(services, claim, lease)

    monkeypatch.setattr(pipeline, "settle", late)
    assert life.step() is Stage.SETTLING
    assert life.events[-1].name is EventName.WRITE_REFUSED
    assert life.balance.held == life.row.credits


def test_cut_image_is_fetched_again_by_a_later_claim(lives: Lives) -> None:
    life = joining(lives.begin(download_body="half", download_body_times=2))
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    moves = [event.stage for event in life.events if event.name is EventName.MOVED]
    again = [Stage.DOWNLOADING, Stage.STORING]
    assert moves[3:] == [*again * 3, Stage.SETTLING, Stage.COMPLETED]
    assert life.balance == Balance(available=1000 - life.row.credits, held=0)


def test_invalid_image_fails_the_generation_and_releases_the_hold(lives: Lives) -> None:
    life = joining(lives.begin(download_body="html"))
    assert life.go(until=TERMINAL) is Stage.FAILED
    assert life.row.error_code is ErrorCode.RESULT_INVALID
    assert life.balance == Balance(available=1000, held=0)
