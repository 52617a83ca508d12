"""The queues of each role, and the schedule of beat."""

from celery.schedules import crontab

from schemas.enums import Queue, TaskName
from tests.support import clean_settings
from workers.app import ROUTES, create_app
from workers.roles import ROLES, Role


def test_every_queue_has_one_role_and_every_task_has_a_queue() -> None:
    served = [queue for role in ROLES.values() for queue in role.queues]

    assert sorted(served) == sorted(Queue)
    assert sorted(ROUTES) == sorted(TaskName)


def test_the_waker_never_waits_for_a_sweep() -> None:
    assert Queue(ROUTES[TaskName.SWEEP]) not in ROLES[Role.CONTROL].queues


def test_beat_sends_a_sweep_at_a_fixed_minute_of_each_hour() -> None:
    app = create_app(clean_settings(), process="worker")

    entry = app.conf.beat_schedule["sweep"]
    assert (entry["task"], entry["schedule"]) == (TaskName.SWEEP, crontab(minute=17))
