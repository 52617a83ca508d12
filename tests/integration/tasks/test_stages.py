import threading
from dataclasses import replace

import pytest
import structlog

from sandbox.scenarios import Delivered
from schemas.enums import AssetRole, ErrorCode, EventName, Stage
from schemas.errors import DownloadError
from schemas.stages import TERMINAL
from storage import claims
from storage.ledger import Balance
from storage.objects import PART_BYTES
from storage.sql import of
from tests.integration.tasks.conftest import Lives
from tests.support import eventually, own_logs

VIDEO = {"model": "kling-2.6-text-to-video", "duration_seconds": 5, "aspect_ratio": "16:9"}


def test_image_order_becomes_a_stored_and_charged_file(lives: Lives) -> None:
    life = lives.begin({"aspect_ratio": "16:9"})
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    price = life.row.credits
    assert price > 0
    assert life.balance == Balance(available=1000 - price, held=0)
    (result,) = life.assets
    assert (result.role, result.content_type, result.codec) == (AssetRole.RESULT, "image/png", "png")
    assert (result.width, result.height) == (1344, 768)
    stored = life.worker.objects.stat(result.object_key)
    assert stored is not None
    assert (stored.size_bytes, stored.content_type) == (result.size_bytes, "image/png")
    assert result.object_key == life.row.object_key
    assert life.row.progress == 100


def test_video_gets_a_poster_and_is_measured(lives: Lives) -> None:
    life = lives.begin(VIDEO, delivered=Delivered())
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    result, poster = life.assets
    assert (result.width, result.height, result.codec) == (1280, 720, "h264")
    assert result.duration_seconds == pytest.approx(5.0, abs=0.05)
    assert result.frame_rate == pytest.approx(24.0)
    assert (poster.role, poster.content_type, poster.width, poster.height) == (AssetRole.POSTER, "image/jpeg", 640, 360)
    assert life.worker.objects.stat(poster.object_key) is not None


def test_progress_follows_the_vendors_progress(lives: Lives) -> None:
    life = lives.begin(seconds=3600)
    life.step()
    seen = [life.row.progress]
    for _ in range(3):
        life.set("stage_at = stage_at - interval '10 seconds'")
        life.step()
        seen.append(life.row.progress)
    assert seen == sorted(seen)
    assert 15 == seen[0] < seen[-1] < 80


def test_failed_work_releases_the_hold(lives: Lives) -> None:
    life = lives.begin(outcome="fail", fail_code="500", fail_msg="Internal server error")
    assert life.go(until=TERMINAL) is Stage.FAILED
    assert life.row.error_code is ErrorCode.PROVIDER_FAILED
    assert life.balance == Balance(available=1000, held=0)


def test_success_without_a_result_fails_the_generation(lives: Lives) -> None:
    life = lives.begin(empty_result=True)
    assert life.go(until=TERMINAL) is Stage.FAILED
    assert life.balance == Balance(available=1000, held=0)


def test_unknown_status_is_said_once_and_named_at_the_deadline(lives: Lives) -> None:
    life = lives.begin(state_word="pondering")
    life.step()
    with own_logs() as lines:
        for _ in range(5):
            assert life.step() is Stage.GENERATING
            assert life.row.failures == 0
    told = {"provider": "kie", "status": "pondering"}
    assert [event.data for event in life.events if event.name == EventName.STATUS_UNKNOWN] == [told]
    assert [line for line in lines if line["log_level"] != "info"] == [
        {"event": "status_unknown", "log_level": "warning", **told}
    ]
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.row.error_message) == (
        ErrorCode.TIMEOUT,
        "not finished before its deadline; the provider reported a status that Reelworks does not know",
    )


@pytest.mark.parametrize("code", [404, 422, 401, 500, 999])
def test_failed_polls_never_fail_paid_work(lives: Lives, code: int) -> None:
    life = lives.begin(poll_error={"code": code, "msg": "trouble"}, poll_error_times=20)
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_refused_links_never_fail_paid_work(lives: Lives) -> None:
    life = lives.begin(download_status=403, download_status_times=12)
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_poll_that_kills_workers_is_repeated_until_the_deadline(lives: Lives) -> None:
    life = lives.begin(seconds=0)
    life.go(until=frozenset({Stage.GENERATING}))
    for _ in range(10):
        life.die_holding_it()
    assert life.row.crashes == 9
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_logs_hide_a_prompt_that_the_vendor_quotes(lives: Lives) -> None:
    for trouble in (
        {"poll_error": {"code": 422, "msg": "your prompt 'a lighthouse by the sea' is bad"}, "poll_error_times": 9},
        {"state_word": "a lighthouse by the sea"},
        {"outcome": "fail", "fail_code": "422", "fail_msg": "flagged: a lighthouse by the sea"},
    ):
        life = lives.begin(**trouble)
        with structlog.testing.capture_logs() as lines:
            for _ in range(5):
                if life.row.stage not in TERMINAL:
                    life.step()
        assert "lighthouse" not in str(lines)


def test_interrupted_download_resumes(lives: Lives) -> None:
    life = lives.begin(VIDEO, delivered=Delivered(), cut_after_bytes=100_000, cut_times=2)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    (task,) = life.sandbox.tasks(life.word)
    assert task.downloads == 3


def test_download_is_retried_while_the_host_is_away(lives: Lives) -> None:
    life = lives.begin(download_status=503, download_status_times=6)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    (task,) = life.sandbox.tasks(life.word)
    assert task.downloads == 7


def test_slow_result_is_fetched_in_the_end(lives: Lives) -> None:
    life = lives.begin(bytes_per_second=3000, delivered={"width": 256, "height": 256})
    downloads = life.settings.downloads.model_copy(
        update={"idle_timeout_seconds": 0.5, "least_bytes_per_second": 64_000}
    )
    life.worker = replace(life.worker, settings=life.settings.model_copy(update={"downloads": downloads}))
    life.go(until=frozenset({Stage.DOWNLOADING}))
    with structlog.testing.capture_logs() as lines:
        assert life.go(until=TERMINAL) is Stage.COMPLETED
    slow = [line["reason"] for line in lines if line["event"] == "download_failed"]
    assert "the file's host sent less than 64000 bytes a second for 0.5 s" in slow


def test_download_past_the_deadline_fails_with_download_failed(lives: Lives) -> None:
    life = lives.begin(download_status=503, download_status_times=100)
    life.go(until=frozenset({Stage.DOWNLOADING}))
    life.step()
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.DOWNLOAD_FAILED
    assert life.balance == Balance(available=1000, held=0)


def test_refused_link_is_replaced_by_a_fresh_link(lives: Lives) -> None:
    life = lives.begin(download_status=403, download_status_times=1)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    (task,) = life.sandbox.tasks(life.word)
    assert task.downloads == 2


def test_web_page_instead_of_an_image_fails_the_generation(lives: Lives) -> None:
    life = lives.begin(download_body="html")
    assert life.go(until=TERMINAL) is Stage.FAILED
    assert life.row.error_code is ErrorCode.RESULT_INVALID
    assert life.balance == Balance(available=1000, held=0)
    assert life.assets == []


def test_difference_from_the_order_is_recorded(lives: Lives) -> None:
    life = lives.begin({**VIDEO}, delivered={"width": 640, "height": 640, "duration_seconds": 2.0})
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    (stored,) = [event for event in life.events if event.stage is Stage.SETTLING]
    assert stored.data["differences"] == ["aspect ratio 640x640, ordered 16:9", "2.00 s, ordered 5 s"]


def test_difference_of_frame_rate_is_recorded(lives: Lives) -> None:
    delivered = {"width": 64, "height": 64, "duration_seconds": 5.0, "frame_rate": 8}
    life = lives.begin({"model": "longcat-video-text-to-video", "aspect_ratio": "1:1", "fps": 15}, delivered=delivered)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    (stored,) = [event for event in life.events if event.stage is Stage.SETTLING]
    assert stored.data["differences"] == ["8.00 fps, ordered 15 fps"]


def test_generation_past_its_deadline_fails_and_releases_the_hold(lives: Lives) -> None:
    life = lives.begin(seconds=3600)
    life.step()
    assert life.balance.held == life.row.credits
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.TIMEOUT
    assert life.balance == Balance(available=1000, held=0)


def test_stored_result_is_settled_after_the_deadline(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.SETTLING}))
    life.set("deadline_at = clock_timestamp() - interval '1 hour'")
    assert life.step() is Stage.COMPLETED


def test_repeated_or_late_wake_up_has_no_effect(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    before, price = life.row, life.row.credits
    for late in (Stage.QUEUED, Stage.GENERATING, Stage.DOWNLOADING, Stage.SETTLING):
        life.deliver(late, before.attempt)
    assert (life.row.attempt, len(life.events)) == (before.attempt, 7)
    assert life.accepted_creates() == 1
    assert life.balance == Balance(available=1000 - price, held=0)


def test_copies_of_a_wake_up_are_one_try(lives: Lives) -> None:
    life = lives.begin(create_error={"code": 455, "msg": "maintenance"}, create_error_times=100)
    for _ in range(10):
        life.deliver(Stage.QUEUED, 0)
    assert (life.row.stage, life.row.attempt, life.row.failures) == (Stage.QUEUED, 1, 1)


def test_each_claim_stores_under_its_own_key(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.STORING}))
    first = life.row.object_key
    life.set("stage = 'downloading'")
    life.step()
    second = life.row.object_key
    assert first is not None
    assert second is not None
    assert first != second
    assert life.worker.objects.stat(first) is not None
    assert life.worker.objects.stat(second) is not None


def test_generation_that_kills_workers_fails_after_a_few_crashes(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.STORING}))
    for _ in range(3):
        life.die_holding_it()
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.INTERNAL
    assert life.balance == Balance(available=1000, held=0)


def test_lease_is_not_renewed_past_the_deadline(lives: Lives) -> None:
    life = lives.begin(seconds=3600)
    life.step()
    stuck = life.claim()
    with life.database.transaction() as session:
        assert claims.renew_leases(of(session), {stuck.token: life.id}, lease_seconds=60) == {stuck.token}
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    with life.database.transaction() as session:
        assert claims.renew_leases(of(session), {stuck.token: life.id}, lease_seconds=60) == set()
    life.set("lease_until = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.TIMEOUT


def test_interrupted_uploads_leave_no_threads(lives: Lives) -> None:
    class Cut:
        left = 3 * PART_BYTES

        def read(self, size: int = -1, /) -> bytes:
            self.left -= size
            if self.left < 0:
                raise DownloadError("cut")
            return bytes(size)

    life = lives.begin()
    before = threading.active_count()
    for number in range(4):
        with pytest.raises(DownloadError):
            life.worker.objects.put(f"cut/{number}", Cut(), size_bytes=None, content_type="video/mp4")
    eventually(threading.active_count, lambda count: count <= before)


def test_unexpected_error_is_retried_and_then_fails_the_generation(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.STORING}))
    life.set("download = '{\"nonsense\": true}'")
    assert [life.step(), life.step(), life.step()] == [Stage.STORING, Stage.STORING, Stage.FAILED]
    assert life.row.error_code is ErrorCode.INTERNAL
    assert life.balance == Balance(available=1000, held=0)
