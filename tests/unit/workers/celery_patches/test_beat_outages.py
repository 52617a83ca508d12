"""A broker that refuses connections stands for an outage of Redis."""

from collections.abc import Iterator

import pytest
from celery import Celery
from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import schedule

from stack.ports import free_port
from tests.support import own_logs
from tests.upstream import mended
from workers.celery_patches import beat_outages
from workers.celery_patches.beat_outages import MemoryScheduler


@pytest.fixture
def app_without_broker() -> Iterator[Celery]:
    with Celery("patches", broker=f"redis://127.0.0.1:{free_port()}/0", set_as_current=False) as app:
        app.conf.update(task_publish_retry=False, broker_transport_options={"max_retries": 1, "interval_start": 0})
        yield app


def send(app: Celery, scheduler_class: type[Scheduler]) -> None:
    scheduler = scheduler_class(app, lazy=True)
    scheduler.apply_entry(ScheduleEntry(name="wake", task="wake", schedule=schedule(1.0), app=app))


def test_celery_logs_stacks_when_the_broker_is_away(
    app_without_broker: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    send(app_without_broker, Scheduler)

    assert [record.exc_info is not None for record in caplog.records] == [True], mended(beat_outages)
    assert "Traceback" in caplog.text, mended(beat_outages)


def test_patched_scheduler_logs_one_line(app_without_broker: Celery, caplog: pytest.LogCaptureFixture) -> None:
    with own_logs() as lines:
        send(app_without_broker, MemoryScheduler)

    assert [line["event"] for line in lines] == ["beat_not_sent"]
    assert caplog.records == []
