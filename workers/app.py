"""The Celery application: its queues, routes, beat schedule and settings.

A message is only a wake-up. The database row holds the state. So workers acknowledge messages early, Celery retries and
delays nothing, and Redis keeps no result.
"""

from typing import Literal

from celery import Celery
from celery.schedules import crontab
from kombu import Queue as KombuQueue

from schemas.enums import Queue, TaskName
from schemas.settings import Settings
from schemas.stages import WORK
from workers.celery_patches.checked_channel import check_messages
from workers.celery_patches.installed_modules import InstalledLoader
from workers.celery_patches.reconnect import mend_reconnect

ROUTES = {
    **{work.task.value: work.queue for work in WORK.values()},
    TaskName.VARIANT.value: Queue.VARIANTS,
    TaskName.STOP.value: Queue.POLL,
    TaskName.WAKE.value: Queue.CONTROL,
    TaskName.GRANT.value: Queue.CONTROL,
    TaskName.SWEEP.value: Queue.SWEEP,
}

Process = Literal["gateway", "worker"]

# A publish that hangs delays a stage or a customer. The waker repeats a publish that timed out.
_SOCKET_TIMEOUT_SECONDS: dict[Process, int] = {"gateway": 2, "worker": 10}

_TASK_MODULES = ("messages", "stop_runs", "variants", "wake", "grant", "sweep")

_WAKE_EVERY_SECONDS = 1.0
_SWEEP_AT_MINUTE = 17

_TASKS: dict[str, object] = {
    # Plain direct queues: a FLUSHALL deletes the bindings of a named exchange, and later messages vanish.
    "task_queues": [KombuQueue(queue.value, routing_key=queue.value) for queue in Queue],
    "task_routes": {task: {"queue": queue.value} for task, queue in ROUTES.items()},
    "task_default_queue": Queue.CONTROL.value,
    "task_create_missing_queues": False,
    "task_serializer": "json",
    "accept_content": ["json"],
    # No kind of acknowledgement survives `kill -9`. The lease does. Early acknowledgements cause no double start.
    "task_acks_late": False,
    "task_ignore_result": True,
    "task_store_errors_even_if_ignored": False,
    "task_publish_retry": False,
}

_WORKERS: dict[str, object] = {
    "worker_prefetch_multiplier": 1,
    "worker_pool": "workers.celery_patches.drain:DrainingPool",
    "worker_consumer": "workers.celery_patches.event_batches:BatchingConsumer",
    "worker_hijack_root_logger": False,
    # Without a value, Celery warns at each lost connection. The value has no effect: no task acknowledges late.
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    # Flower needs events.
    "worker_send_task_events": True,
}

_BEAT: dict[str, object] = {
    "beat_schedule": {
        "wake": {
            "task": TaskName.WAKE.value,
            "schedule": _WAKE_EVERY_SECONDS,
            # A late wake-up is worthless: the next wake-up does the same.
            "options": {"expires": 5 * _WAKE_EVERY_SECONDS, "ignore_result": True},
        },
        "grant": {
            "task": TaskName.GRANT.value,
            "schedule": _WAKE_EVERY_SECONDS,
            "options": {"expires": 5 * _WAKE_EVERY_SECONDS, "ignore_result": True},
        },
        "sweep": {
            "task": TaskName.SWEEP.value,
            # By the clock, not every 3600 s from the start: a beat that restarts often would never sweep.
            "schedule": crontab(minute=_SWEEP_AT_MINUTE),
            "options": {"expires": 1800, "ignore_result": True},
        },
    },
    # The schedule is code. A file with the schedule could be stale.
    "beat_scheduler": "workers.celery_patches.beat_outages:MemoryScheduler",
    "beat_max_loop_interval": _WAKE_EVERY_SECONDS,
}


def create_app(settings: Settings, *, process: Process = "gateway") -> Celery:
    """The application for a process.

    Args:
        process: the kind of process. A gateway waits less long for Redis.
    """
    mend_reconnect()
    check_messages()
    app = Celery(
        "reelworks",
        broker=settings.redis_url,
        backend=settings.redis_url,
        loader=InstalledLoader,
        task_cls="workers.task:ReelworksTask",
        # Only workers import these modules, by name: a gateway starts without them.
        include=[f"tasks.{module}" for module in _TASK_MODULES],
    )
    app.conf.update(**_TASKS, **_WORKERS, **_BEAT, **_redis(process))
    app.conf.worker_enable_remote_control = settings.remote_control != "off"
    return app


def _redis(process: Process) -> dict[str, object]:
    """The connections to Redis, as broker and as result backend."""
    return {
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_pool_limit": 40,
        "broker_pool_acquire_timeout": _SOCKET_TIMEOUT_SECONDS[process],
        "broker_transport_options": {
            # A wake-up need not survive its worker, and the copy costs two round trips for each message.
            "ack_emulation": False,
            "socket_timeout": _SOCKET_TIMEOUT_SECONDS[process],
            "socket_connect_timeout": 1,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "max_connections": 200,
        },
        "redis_socket_timeout": _SOCKET_TIMEOUT_SECONDS["worker"],
        "redis_socket_connect_timeout": 1,
    }
