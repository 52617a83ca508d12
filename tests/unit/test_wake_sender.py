from threading import Event
from uuid import uuid4

import structlog

from gateway.wakes import WakeSender
from schemas.enums import Stage
from storage.generations import Wake
from tests.support import own_logs


def _wake() -> Wake:
    return Wake(uuid4(), Stage.QUEUED, 0)


def test_sending_returns_at_once_and_what_does_not_fit_is_dropped() -> None:
    is_sending, may_go_on, sent = Event(), Event(), list[Wake]()

    def hang(*wakes: Wake) -> bool:
        is_sending.set()
        may_go_on.wait()
        sent.extend(wakes)
        return True

    sender = WakeSender(hang)
    sender.send(_wake())
    is_sending.wait()
    with own_logs() as lines:
        sender.send(*[_wake() for _ in range(10_200)])
    may_go_on.set()
    sender.close()

    assert [line["event"] for line in lines] == ["wake_dropped"] * 200
    assert 1 <= len(sent) <= 10_001


def test_what_came_while_it_was_busy_is_sent_together_and_in_order() -> None:
    is_sending, may_go_on, is_done, batches = Event(), Event(), Event(), list[tuple[Wake, ...]]()

    def hang(*wakes: Wake) -> bool:
        is_sending.set()
        may_go_on.wait()
        batches.append(wakes)
        if sum(map(len, batches)) == 21:
            is_done.set()
        return True

    sender = WakeSender(hang)
    first, *others = [_wake() for _ in range(21)]
    sender.send(first)
    is_sending.wait()
    for wake in others:
        sender.send(wake)
    may_go_on.set()
    is_done.wait()
    sender.close()

    assert batches == [(first,), tuple(others)]


def test_wake_ups_that_fail_leave_a_line_and_the_next_are_sent() -> None:
    has_failed, is_sent = Event(), Event()

    def fail_once(*_: Wake) -> bool:
        if not has_failed.is_set():
            has_failed.set()
            raise ValueError("s3cret")
        is_sent.set()
        return True

    sender = WakeSender(fail_once)
    with structlog.testing.capture_logs() as lines:
        sender.send(_wake())
        has_failed.wait()
        sender.send(_wake())
        is_sent.wait()
        sender.close()

    assert [line["error"] for line in lines if line["event"] == "wakes_failed"] == ["ValueError"]
    assert "s3cret" not in str(lines)
