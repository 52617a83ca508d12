from threading import Event
from uuid import uuid4

import structlog

from gateway.wakes import WakeSender
from schemas.enums import Stage
from storage.generations import Wake


def _wake() -> Wake:
    return Wake(uuid4(), Stage.QUEUED, 0)


def test_sending_returns_at_once_and_what_does_not_fit_is_dropped() -> None:
    may_go_on, sent = Event(), list[Wake]()

    def hang(wake: Wake) -> None:
        may_go_on.wait()
        sent.append(wake)

    sender = WakeSender(hang)
    with structlog.testing.capture_logs() as lines:
        for _ in range(1200):
            sender.send(_wake())
    may_go_on.set()
    sender.close()

    assert [line["event"] for line in lines] == ["wake_dropped"] * 200
    assert len(sent) <= 1000


def test_a_wake_up_that_fails_leaves_room_and_a_line() -> None:
    def fail(_: Wake) -> None:
        raise ValueError("s3cret")

    sender = WakeSender(fail)
    with structlog.testing.capture_logs() as lines:
        sender.send(_wake())
        sender._threads.shutdown()

    assert [(line["event"], line["error"]) for line in lines] == [("wake_failed", "ValueError")]
    assert "s3cret" not in str(lines)
