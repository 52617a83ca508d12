"""Work of each kind, for the panels: orders over both doors that succeed, fail, wait and go on, and a webhook."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pydantic import JsonValue

from drills.door.clients import Clients, Form
from tests.e2e.alerts.conftest import Watched
from tests.support import eventually

FLUX: Final = "flux-schnell"
KLING: Final = "kling-3.0-text-to-video"
PIKA: Final = "pika-2.2-text-to-video"

VIDEO: Final = {"duration_seconds": 5}
"""What an order of a video needs."""

SMALL: Final = {"width": 64, "height": 64, "duration_seconds": 1, "frame_rate": 8}
"""A video that the sandbox encodes in an instant."""

FOR_LONG: Final = 600
"""The seconds of work that a test ends itself."""


@contextmanager
def load(watched: Watched) -> Iterator[None]:
    """Begin the work. Some of it is unfinished until the end of the block."""
    system = watched.system
    long = system.behave(seconds=FOR_LONG, delivered=SMALL)
    waiting = [watched.submit(long, model=PIKA, **VIDEO) for _ in range(2)]
    image = system.behave()
    ended = [
        watched.submit(image, callback_url=f"{watched.receiver.url}/works"),
        watched.submit(image, model=FLUX),
        watched.submit(system.behave(delivered=SMALL), model=KLING, **VIDEO),
        watched.submit(system.behave(outcome="fail")),
    ]
    with Clients(watched.stack.settings.redis_url) as clients:
        request: JsonValue = {"model": "nano-banana", "prompt": f"a lighthouse {image}"}
        message = clients.send(Form.LIST, {"customer_id": str(watched.customer.id), "request": request})
        eventually(lambda: clients.answer(Form.LIST, message), lambda answer: answer is not None)
    watched.ended(*ended)
    # The first one ends, and the second one gets the place for which it waited.
    end_one(watched, long, of=1)
    yield
    end_one(watched, long, of=2)
    watched.ended(*waiting)


def end_one(watched: Watched, word: str, *, of: int) -> None:
    """End the work of a vendor, once the vendor has accepted so many works with a word."""
    sandbox = watched.system.sandbox
    eventually(lambda: len(sandbox.tasks(word)), lambda count: count == of)
    sandbox.finish(word)
