"""The Celery application: queues, routes, the beat, and how Celery on Redis is made dependable.

A message here is only a wake-up; the database row is the truth. So messages are acknowledged early, nothing is retried
or delayed by Celery, and no result is kept, save the answer of the Redis door.
"""

from typing import Literal

from celery import Celery
from celery.schedules import crontab
from kombu import Queue as KombuQueue

from schemas.enums import Queue, TaskName
from schemas.settings import Settings
from schemas.stages import WORK
from workers.celery_patches.installed_modules import InstalledLoader
from workers.celery_patches.reconnect import mend_reconnect
from workers.lists import PRIORITIES

ROUTES = {
    **{work.task.value: work.queue for work in WORK.values()},
    TaskName.ENQUEUE.value: Queue.REQUESTS,
    TaskName.WAKE.value: Queue.CONTROL,
    TaskName.SWEEP.value: Queue.SWEEP,
}

Process = Literal["gateway", "worker"]

# A publish that hangs holds up a stage or a customer; the waker heals one that was given up.
_SOCKET_TIMEOUT_SECONDS: dict[Process, int] = {"gateway": 2, "worker": 10}

_TASK_MODULES = ("messages", "wake", "sweep")

_WAKE_EVERY_SECONDS = 1.0
_SWEEP_AT_MINUTE = 17
_REPLY_KEPT_SECONDS = 3600


def create_app(settings: Settings, *, process: Process = "gateway", is_door: bool = False) -> Celery:
    """The application for one process.

    Args:
        process: a gateway gives up sooner on a Redis that does not answer.
        is_door: for the worker that takes requests. What it has taken stays in Redis until it is acknowledged, and
            survives the worker; a wake-up need not, and this costs two round trips each. And it reads every priority
            that a sender may give.
    """
    mend_reconnect()
    app = Celery(
        "reelworks",
        broker=settings.redis_url,
        backend=settings.redis_url,
        loader=InstalledLoader,
        task_cls="workers.task:ReelworksTask",
        # Imported by the workers alone, and by name, so that a gateway starts without them.
        include=[*(f"tasks.{module}" for module in _TASK_MODULES), "intake.redis_door"],
    )
    app.conf.update(
        # Plain direct queues: what is published through a named exchange vanishes after a FLUSHALL.
        task_queues=[KombuQueue(queue.value, routing_key=queue.value) for queue in Queue],
        task_routes={task: {"queue": queue.value} for task, queue in ROUTES.items()},
        task_default_queue=Queue.CONTROL.value,
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        # Neither kind of acknowledgement survives `kill -9`; the lease does, and early ones cause no double start.
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_pool="workers.celery_patches.drain:DrainingPool",
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        result_expires=_REPLY_KEPT_SECONDS,
        task_publish_retry=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_limit=40,
        broker_pool_acquire_timeout=_SOCKET_TIMEOUT_SECONDS[process],
        broker_transport_options={
            "ack_emulation": is_door,
            **({"priority_steps": list(PRIORITIES)} if is_door else {}),
            "visibility_timeout": 900,
            "unacked_restore_interval": 15,
            "unacked_restore_throttle": 1,
            "socket_timeout": _SOCKET_TIMEOUT_SECONDS[process],
            "socket_connect_timeout": 1,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "max_connections": 200,
        },
        redis_socket_timeout=_SOCKET_TIMEOUT_SECONDS["worker"],
        redis_socket_connect_timeout=1,
        worker_hijack_root_logger=False,
        # Only late acknowledgements are affected, and we have none; unset, Celery warns at each lost connection.
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_consumer="workers.celery_patches.consumer:PatchedConsumer",
        # Flower needs events and remote control.
        worker_send_task_events=True,
        worker_enable_remote_control=True,
        beat_schedule={
            "wake": {
                "task": TaskName.WAKE.value,
                "schedule": _WAKE_EVERY_SECONDS,
                # A beat that nobody consumed in time is worthless: the next one does the same.
                "options": {"expires": 5 * _WAKE_EVERY_SECONDS, "ignore_result": True},
            },
            "sweep": {
                "task": TaskName.SWEEP.value,
                # By the clock, and not every 3600 s from the start: a beat that is restarted often would never send it.
                "schedule": crontab(minute=_SWEEP_AT_MINUTE),
                "options": {"expires": 1800, "ignore_result": True},
            },
        },
        # The schedule is code: a file that remembers it could only be stale.
        beat_scheduler="workers.celery_patches.beat_outages:MemoryScheduler",
        beat_max_loop_interval=_WAKE_EVERY_SECONDS,
    )
    return app
