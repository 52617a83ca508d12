"""Vendors that answer a create with the file. The file is paid for, and the vendor does not send it again."""

import hashlib
import math
from collections.abc import Callable
from uuid import UUID

import pytest
from minio.error import MinioException

from providers.base import (
    STORED_FILE,
    AcceptedCreate,
    Fence,
    InputsRead,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
)
from schemas.enums import ErrorCode, Stage
from schemas.stages import TERMINAL
from storage.leases import Lease
from storage.ledger import Balance
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_submit import declared, send_under
from tests.integration.tasks.test_sweep import sweep_orphans
from tests.media_files.images import png


class _Answers:
    """A provider whose create answers with the file."""

    reads_inputs = InputsRead.NONE

    def __init__(self, file: bytes) -> None:
        self._file = file

    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        fence()
        return AcceptedCreate(str(generation_id), is_finished=True, file=self._file)

    def poll(self, remote: RemoteRef) -> RemoteState:
        return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[remote.links[STORED_FILE]])


PICTURE = png(64, 64)


@pytest.fixture
def answered(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Life]:
    """A generation whose vendor answers with this file."""

    def begin(file: bytes) -> Life:
        life = lives.begin()
        monkeypatch.setattr(life.worker.providers, "get", lambda _name: _Answers(file))
        return life

    return begin


def test_file_in_the_vendors_answer_becomes_the_result(answered: Callable[[bytes], Life]) -> None:
    life = answered(PICTURE)
    assert life.step() is Stage.GENERATING
    wake_at, stage_at = life.row.wake_at, life.row.stage_at
    assert wake_at is not None
    assert stage_at is not None
    assert (wake_at - stage_at).total_seconds() < 1, "there is nothing to wait for"
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    (asset,) = life.assets
    assert (asset.sha256, asset.content_type) == (hashlib.sha256(PICTURE).hexdigest(), "image/png")
    assert life.balance.held == 0


@pytest.mark.parametrize("file", [b"<html>", b"\x00\x00\x00\x18ftypisom" + bytes(100)], ids=["page", "video"])
def test_answer_that_is_not_an_image_fails_the_generation(answered: Callable[[bytes], Life], file: bytes) -> None:
    life = answered(file)
    assert life.go(until=TERMINAL) is Stage.FAILED
    assert life.row.error_code is ErrorCode.RESULT_INVALID
    assert life.balance == Balance(available=1000, held=0)


def test_answered_file_is_kept_after_the_lease_is_lost(answered: Callable[[bytes], Life]) -> None:
    life = answered(PICTURE)
    sender = declared(life)
    life.set("lease_token = gen_random_uuid()")
    send_under(life, sender, Lease(life.id, until=math.inf))
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.assets[0].sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_answered_file_survives_a_short_outage_of_the_object_store(
    answered: Callable[[bytes], Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    life = answered(PICTURE)
    put, failures = life.worker.objects.put_bytes, [MinioException("away")] * 2

    def put_later(key: str, body: bytes, *, content_type: str) -> None:
        if failures:
            raise failures.pop()
        put(key, body, content_type=content_type)

    monkeypatch.setattr(life.worker.objects, "put_bytes", put_later)
    assert life.step() is Stage.GENERATING
    monkeypatch.undo()


def test_answered_file_is_an_orphan_only_after_its_generation_ends(answered: Callable[[bytes], Life]) -> None:
    life = answered(b"<html>")
    life.step()
    assert sweep_orphans(life) == 0
    life.go(until=TERMINAL)
    assert sweep_orphans(life) == 1


def test_lost_answered_file_fails_the_generation_and_releases_the_hold(answered: Callable[[bytes], Life]) -> None:
    life = answered(PICTURE)
    life.step()
    key = life.row.object_key
    assert key is not None
    life.worker.objects.remove(key)
    assert life.go(until=TERMINAL) is Stage.FAILED
    assert life.row.error_message == "the file that the provider sent is lost"
    assert life.balance == Balance(available=1000, held=0)


def test_key_of_another_customer_is_refused(answered: Callable[[bytes], Life]) -> None:
    life, other = answered(PICTURE), answered(PICTURE)
    other.step()
    life.step()
    life.set(f"remote_links = jsonb_build_object('{STORED_FILE}', 'stored:{other.row.object_key}')")
    life.go(until=TERMINAL)
    assert life.row.error_message == "the file that the provider sent is lost"
    assert life.balance == Balance(available=1000, held=0)
