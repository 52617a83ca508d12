import pytest
from celery.worker.consumer import Consumer
from structlog.testing import capture_logs

from tests.unit.workers.celery_patches.conftest import Consume, Receive
from tests.upstream import mended
from workers.celery_patches import malformed_messages
from workers.celery_patches.malformed_messages import TolerantConsumer

ARGUMENTS = [[], {"prompt": "a secret prompt"}, {}]

malformed = pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({"task": "work"}, ARGUMENTS, id="no id"),
        pytest.param({"task": "work", "id": "1"}, "a secret prompt", id="a body that is no triple"),
        pytest.param({"task": "work", "id": "1"}, [1, 2, 3, 4], id="a body with four parts"),
    ],
)


@malformed
def test_celery_lets_a_malformed_message_end_the_worker(
    receive: Receive, consume: Consume, headers: dict[str, object], body: object
) -> None:
    try:
        consume(Consumer, receive(headers, body))
    except (KeyError, ValueError):
        return
    pytest.fail(mended(malformed_messages))


@malformed
def test_patched_consumer_discards_a_malformed_message_and_logs_no_body(
    receive: Receive, consume: Consume, headers: dict[str, object], body: object
) -> None:
    message = receive(headers, body)

    with capture_logs() as lines:
        consume(TolerantConsumer, message)

    assert message.acknowledged
    assert [line["event"] for line in lines] == ["message_discarded"]
    assert "secret" not in str(lines)
