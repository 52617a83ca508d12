import logging
from collections.abc import Iterator

import pytest
from celery.worker.consumer import Consumer, consumer

from tests.unit.workers.celery_patches.conftest import Consume, Receive
from tests.upstream import mended
from workers.celery_patches import refused_messages
from workers.celery_patches.refused_messages import WithoutBodies

LOGGER = logging.getLogger(consumer.__name__)

ARGUMENTS = [[], {"prompt": "a secret prompt"}, {}]

refused = pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({}, {"prompt": "a secret prompt"}, id="no task"),
        pytest.param({"task": "unknown", "id": "1"}, ARGUMENTS, id="an unknown task"),
        pytest.param({"task": "work", "id": "1", "eta": "soon"}, ARGUMENTS, id="an invalid task"),
        pytest.param({"task": "work", "id": "1"}, b"[[], {'a secret prompt", id="an undecodable body"),
    ],
)


@pytest.fixture
def without_bodies() -> Iterator[None]:
    bodies = WithoutBodies()
    LOGGER.addFilter(bodies)
    yield
    LOGGER.removeFilter(bodies)


@refused
def test_celery_logs_the_body_of_a_refused_message(
    receive: Receive,
    consume: Consume,
    caplog: pytest.LogCaptureFixture,
    headers: dict[str, object],
    body: object,
) -> None:
    consume(Consumer, receive(headers, body))

    assert "secret" in caplog.text, mended(refused_messages)


@refused
@pytest.mark.usefixtures("without_bodies")
def test_patched_log_holds_no_body_of_a_refused_message(
    receive: Receive,
    consume: Consume,
    caplog: pytest.LogCaptureFixture,
    headers: dict[str, object],
    body: object,
) -> None:
    consume(Consumer, receive(headers, body))

    assert "discarded" in caplog.text
    assert "secret" not in caplog.text


def test_other_records_pass_unchanged() -> None:
    record = logging.LogRecord("celery", logging.WARNING, "", 0, "lost %s", ("redis",), None)
    assert WithoutBodies().filter(record)
    assert record.getMessage() == "lost redis"
