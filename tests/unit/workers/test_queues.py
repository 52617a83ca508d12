"""Which process serves which queue, and what beat sends."""

from celery.schedules import crontab

from schemas.enums import Queue, TaskName
from tests.support import clean_settings
from workers.app import ROUTES, create_app
from workers.roles import ROLES, Role


def test_every_queue_is_served_by_one_role_and_every_task_has_a_queue() -> None:
    served = [queue for role in ROLES.values() for queue in role.queues]

    assert sorted(served) == sorted(Queue)
    assert sorted(ROUTES) == sorted(TaskName)


def test_a_sweep_never_waits_before_the_waker() -> None:
    assert Queue(ROUTES[TaskName.SWEEP]) not in ROLES[Role.CONTROL].queues


def test_beat_sweeps_every_hour_by_the_clock() -> None:
    app = create_app(clean_settings(), process="worker")

    entry = app.conf.beat_schedule["sweep"]
    assert (entry["task"], entry["schedule"]) == (TaskName.SWEEP, crontab(minute=17))
