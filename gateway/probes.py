"""Checks whether the gateway's services answer, with a time limit for services that hang."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread

import structlog

log = structlog.get_logger()


class Probe:
    """The check of one service. A running check is not started again, so a hanging service uses only one thread."""

    def __init__(self, name: str, ask: Callable[[], None], *, is_essential: bool = True) -> None:
        self.name = name
        self.is_essential = is_essential
        self._ask = ask
        self._asking: Future[bool] | None = None

    async def answers(self, *, within_seconds: float) -> bool:
        """Whether the service answers within the time limit."""
        if self._asking is None or self._asking.done():
            self._asking = Future()
            self._asking.set_running_or_notify_cancel()
            # A daemon thread: a hanging check must not delay the end of the process.
            Thread(target=self._answer, args=(self._asking,), name=f"probe-{self.name}", daemon=True).start()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._asking), within_seconds)
        except TimeoutError:
            log.warning("service_hangs", service=self.name)
            return False

    def _answer(self, asking: Future[bool]) -> None:
        try:
            self._ask()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the service did not answer
            log.warning("service_does_not_answer", service=self.name, error=type(error).__name__)
            asking.set_result(False)
        else:
            asking.set_result(True)
