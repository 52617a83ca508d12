"""The threads of a process, of which one account takes a share."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Event, Semaphore

import pytest
import structlog

from tasks import threads
from tasks.threads import Threads

EACH = 2
SLOW, OTHER = "kie", "fal"
SOON = 60.0


class Process:
    """A process with two threads more than one account may have. The vendor of one account hangs."""

    def __init__(self) -> None:
        self.threads = Threads(each=EACH)
        self.pool = ThreadPoolExecutor(EACH + 2)
        self.answers = Event()
        """The vendor answers again."""
        self._begun = Semaphore(0)

    def hang(self, count: int = EACH) -> list[Future[bool]]:
        """Give the process work that hangs. Returns when the account has all of its threads."""
        works = [self.pool.submit(self.threads.run, SLOW, self._wait) for _ in range(count)]
        for _ in range(EACH):
            assert self._begun.acquire(timeout=SOON)
        return works

    def fill_the_line(self) -> None:
        """Give the process work that hangs, until the account's line is full."""
        self.hang()
        for _ in range(EACH):
            assert self.pool.submit(self.threads.run, SLOW, self._wait).result(SOON)

    def _wait(self) -> None:
        self._begun.release()
        self.answers.wait()


@pytest.fixture
def process() -> Iterator[Process]:
    process = Process()
    with process.pool:
        yield process
        process.answers.set()


def test_work_of_an_account_that_hangs_leaves_threads_for_others_however_much_waits(process: Process) -> None:
    done = Event()
    process.hang(50)

    assert process.pool.submit(process.threads.run, OTHER, done.set).result(SOON)
    assert done.is_set()


def test_waiting_work_holds_no_thread_and_runs_once(process: Process) -> None:
    ran: list[int] = []
    running = process.hang()

    for number in range(EACH):
        assert process.pool.submit(process.threads.run, SLOW, partial(ran.append, number)).result(SOON)
    assert ran == []

    process.answers.set()
    wait(running, SOON)
    assert sorted(ran) == list(range(EACH))


def test_work_beyond_a_line_that_moves_too_slowly_is_refused(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_PATIENCE_SECONDS", 0.0)
    process.fill_the_line()

    assert not process.threads.run(SLOW, pytest.fail)


def test_all_work_beyond_a_line_that_moves_waits_for_room(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_PATIENCE_SECONDS", SOON)
    done = [Event(), Event()]
    process.fill_the_line()

    late = [process.pool.submit(process.threads.run, SLOW, event.set) for event in done]
    process.answers.set()
    assert all(work.result(SOON) for work in late)
    assert all(event.wait(SOON) for event in done)


def test_work_that_raises_leaves_its_thread_to_the_line(process: Process) -> None:
    def fail() -> None:
        raise ValueError("a bug")

    running = process.hang()
    for _ in range(EACH):
        assert process.pool.submit(process.threads.run, SLOW, fail).result(SOON)
    process.answers.set()
    wait(running, SOON)
    for _ in range(2 * EACH):
        with pytest.raises(ValueError, match="a bug"):
            process.threads.run(SLOW, fail)


def test_work_of_the_line_keeps_the_log_context_of_its_task(process: Process) -> None:
    seen: list[object] = []

    def look() -> None:
        seen.append(structlog.contextvars.get_contextvars().get("task"))

    def task() -> None:
        structlog.contextvars.bind_contextvars(task="poll")
        process.threads.run(SLOW, look)
        structlog.contextvars.clear_contextvars()

    running = process.hang()
    process.pool.submit(task).result(SOON)
    process.answers.set()
    wait(running, SOON)
    assert seen == ["poll"]
