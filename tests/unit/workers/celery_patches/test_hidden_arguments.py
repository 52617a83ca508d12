from importlib import import_module
from typing import Any

import pytest
from celery import Celery
from celery.worker.request import Request

from schemas.enums import TaskName
from tests.unit.workers.celery_patches.conftest import Receive
from tests.upstream import mended
from workers.celery_patches import hidden_arguments
from workers.celery_patches.hidden_arguments import SafeRequest

HEADERS = {"id": "1", "argsrepr": "hidden by the sender", "kwargsrepr": "hidden by the sender"}
BODY = [["a secret prompt"], {"prompt": "a secret prompt"}, {}]


@pytest.fixture
def private_app(app: Celery) -> Celery:
    """The application with the task of the Redis door, whose arguments hold a prompt."""
    import_module("intake.redis.celery_task")
    app.finalize()
    return app


def answer(app: Celery, request_class: type[Request], receive: Receive, task: str) -> Any:
    """The answer of a request to remote control."""
    return request_class(receive({**HEADERS, "task": task}, BODY), app=app).info(safe=False)


def test_celery_shows_remote_control_arguments_that_the_sender_hid(private_app: Celery, receive: Receive) -> None:
    shown = answer(private_app, Request, receive, TaskName.ENQUEUE)

    assert "secret" in str(shown), mended(hidden_arguments)


def test_celery_shows_in_events_what_the_sender_says(private_app: Celery, receive: Receive) -> None:
    careless = {**HEADERS, "task": TaskName.ENQUEUE, "kwargsrepr": "a secret prompt"}

    assert Request(receive(careless, BODY), app=private_app).kwargsrepr == "a secret prompt", mended(hidden_arguments)
    assert SafeRequest(receive(careless, BODY), app=private_app).kwargsrepr == "(hidden)"


def test_patched_request_hides_the_arguments_of_a_private_task(private_app: Celery, receive: Receive) -> None:
    shown = answer(private_app, SafeRequest, receive, TaskName.ENQUEUE)

    assert (shown["args"], shown["kwargs"]) == ("(hidden)", "(hidden)")


def test_patched_request_shows_other_tasks_as_the_sender_says(app: Celery, receive: Receive) -> None:
    shown = answer(app, SafeRequest, receive, "work")

    assert (shown["args"], shown["kwargs"]) == ("hidden by the sender", "hidden by the sender")
