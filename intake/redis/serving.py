"""Serves messages: reads one, performs its operation, and answers. A message stays with its taker until it is answered.

Every step may be repeated, so a process may be killed at any point: the next one repeats the steps, and the id of the
message makes the order one order.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event
from typing import Final, TypeVar

import structlog
import tenacity
from redis import Redis
from redis.exceptions import RedisError
from tenacity.stop import stop_base

from intake.orders import Intake
from intake.redis import envelopes
from intake.redis.answers import Answer, Answers
from intake.redis.dead import DeadLetters
from intake.redis.operations import perform, problem_in, refused, summary
from intake.redis.overload import Gauge
from intake.redis.replies import Reply
from intake.redis.request import RefusedRequest, Request
from intake.redis.taking import Taken, Takers
from metrics.families import DOOR_REQUESTS
from schemas.enums import Queue
from schemas.errors import Expired, InternalError, Unavailable
from schemas.log_redaction import hidden, texts_in
from schemas.plain_messages import Unreadable
from schemas.trace_context import attached
from storage.outages import OUTAGES, STORE_OUTAGES
from storage.taking import Taking
from traces import spans
from traces.names import Attribute, SpanKind
from traces.spans import OpenSpan

log = structlog.get_logger()

_REDIS_PAUSE_SECONDS: Final = 1.0
_REST_SECONDS: Final = 0.2
_STORE_SECONDS: Final = 2.0
_STORE_IS_AWAY: Final = (
    "our object store does not take the files of the request, and nothing was done: send the request again later, or "
    "upload the files first"
)
_MOST_DEATHS: Final = 20
_HIDDEN: Final = "(hidden)"
_REFUSED: Final = "generation.refuse"

Tell = Callable[..., None]
"""Sends an event of Celery's tasks: its kind, and its fields. Returns at once."""

T = TypeVar("T")


@dataclass(frozen=True)
class Server:
    """Serves the messages of a process, each in the thread of its taker."""

    intake: Intake
    """Takes the orders."""
    redis: Redis
    """The broker. Threads share the client."""
    takers: Takers
    """The takers of the process."""
    tell: Tell
    """Shows each request to Flower."""
    over: Event
    """Set when the process is to end. Then a message that waits for the database stays with its taker."""
    taking: Taking = field(default_factory=Taking)
    """The gate before new messages: closed while the process is drained."""
    busy: set[str] = field(default_factory=set)
    """The takers that have a message."""
    outlast_seconds: float = 60.0
    """How long a message waits for the database before it lets others pass."""
    store_seconds: float = 900.0
    """How long a message comes again while the object store does not take its files. Then it is answered."""
    answers: Answers = field(init=False)
    """Where answers go."""
    dead: DeadLetters = field(init=False)
    """Where messages go that cannot be read."""
    gauge: Gauge = field(init=False)
    """The number of requests that wait."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "answers", Answers(self.redis))
        object.__setattr__(self, "dead", DeadLetters(self.redis))
        object.__setattr__(self, "gauge", Gauge(self.redis, self.intake.settings.door))

    def work(self, taker: str) -> None:
        """Serve one message after the other until the process is to end."""
        while not self.over.is_set():
            try:
                taken = self._take(taker)
                if taken is not None:
                    self.serve(taken)
                self.busy.discard(taker)
            except RedisError as error:
                # The taker still has its message, and takes the same one again.
                log.warning("door_waits_for_redis", error=type(error).__name__)
                self.over.wait(_REDIS_PAUSE_SECONDS)
            if not self.taking.is_open and taker not in self.busy:
                self.over.wait(_REST_SECONDS)

    def _take(self, taker: str) -> Taken | None:
        """Take a message, unless the process is drained. A message of before is finished all the same."""
        with self.taking.taking() as may_take:
            if not may_take and taker not in self.busy:
                return None
            try:
                taken = self.takers.take(taker)
            except RedisError:
                self.busy.add(taker)  # perhaps: Redis may have moved a message to the taker
                raise
            if taken is not None:
                self.busy.add(taker)
            return taken

    def serve(self, taken: Taken) -> None:
        """Serve a message to its end, or leave it with its taker.

        Raises:
            RedisError: Redis did not answer. Serve the message again.
        """
        try:
            if taken.deaths >= _MOST_DEATHS:
                self._give_up(taken, f"{taken.deaths} processes died while they served this message")
            else:
                self._serve(taken, envelopes.read(taken.raw))
        except Unreadable as error:
            self._give_up(taken, str(error))
        except RefusedRequest as error:
            self._refuse(taken, error)
        except RedisError:
            raise
        except Exception as error:
            log.exception("door_crashed")
            self._give_up(taken, f"the door crashed with {type(error).__name__}")
        finally:
            structlog.contextvars.clear_contextvars()

    def _serve(self, taken: Taken, request: Request) -> None:
        structlog.contextvars.bind_contextvars(
            request_id=request.id, operation=request.operation, **hidden(lambda: texts_in(request.arguments))
        )
        with attached(request.place), _span(request):
            self._serve_in_trace(taken, request)

    def _serve_in_trace(self, taken: Taken, request: Request) -> None:
        self._tell_received(request.id, request.operation, request)
        given = self.answers.given(request)
        if given is not None:
            log.info("request_answered_again")
            self._answer(taken, request, given)
        else:
            self._perform(taken, request)

    def _perform(self, taken: Taken, request: Request) -> None:
        began = time.perf_counter()
        if not request.is_late:
            self.tell("task-started", uuid=request.id)
        try:
            content = self._outlasting_outages(lambda: perform(self.intake, request, load=self.gauge.load))
        except OUTAGES as error:
            self._let_others_pass(taken, request, error)
            return
        except Exception as error:
            log.exception("request_crashed")
            self._answer(taken, request, refused(_internal(request.id)))
            self.tell("task-failed", uuid=request.id, exception=f"{type(error).__name__}()", traceback=None)
            return
        is_expired = (problem_in(content) or {}).get("code") == Expired.code
        self._answer(taken, request, content, is_expired=is_expired)
        if is_expired:
            self.tell("task-revoked", uuid=request.id, terminated=False, signum=None, expired=True)
        else:
            runtime = time.perf_counter() - began
            self.tell("task-succeeded", uuid=request.id, result=repr(summary(content)), runtime=runtime)
        _log(content)

    def _let_others_pass(self, taken: Taken, request: Request, error: Exception) -> None:
        if self.over.is_set():
            return
        if isinstance(error, STORE_OUTAGES) and self.takers.waiting_seconds(taken) > self.store_seconds:
            log.error("request_outlasted_store", error=type(error).__name__)
            self._answer(taken, request, refused(Unavailable(_STORE_IS_AWAY)))
            self.takers.forget_waiting(taken)
            self.tell("task-failed", uuid=request.id, exception=f"{type(error).__name__}()", traceback=None)
            return
        log.warning("request_waits", error=type(error).__name__)
        self.takers.put_last(taken)

    def _refuse(self, taken: Taken, error: RefusedRequest) -> None:
        self._tell_received(error.request_id, _REFUSED)
        content = refused(error.error)
        self._patiently(lambda: self.answers.give(taken, Answer(error.request_id, error.reply, content)))
        self.tell("task-started", uuid=error.request_id)
        self.tell("task-succeeded", uuid=error.request_id, result=repr(summary(content)), runtime=0.0)
        DOOR_REQUESTS.add("refused")
        log.info("request_refused", request_id=error.request_id, code=error.error.code)

    def _answer(self, taken: Taken, request: Request, content: dict[str, object], *, is_expired: bool = False) -> None:
        if request.ignores_answer:
            self._patiently(lambda: self.answers.drop(taken))
            return
        answer = Answer(request.id, request.reply, content, request.digest, request.is_read, is_expired)
        self._patiently(lambda: self.answers.give(taken, answer))

    def _give_up(self, taken: Taken, reason: str) -> None:
        is_added = self._patiently(lambda: self.dead.add(taken, reason))
        DOOR_REQUESTS.add("dead")
        log.error("message_is_dead", reason=reason, size=len(taken.raw))
        # Reading may end the process again: the message is among the dead by now.
        sender = _sender_of(taken.raw) if is_added else None
        if sender is not None:
            request_id, reply = sender
            self.answers.give(taken, Answer(request_id, reply, refused(_internal(request_id))), is_dead=True)

    def _tell_received(self, request_id: str, name: str, request: Request | None = None) -> None:
        self.tell(
            "task-received",
            uuid=request_id,
            name=str(name),
            args=_HIDDEN,
            kwargs=_HIDDEN,
            root_id=request_id,
            parent_id=None,
            retries=0,
            eta=None,
            expires=request.expires.isoformat() if request and request.expires else None,
        )

    def _outlasting_outages(self, act: Callable[[], T]) -> T:
        """Repeat an act during an outage: no row exists yet. The end of the process ends the wait.

        Orders without files need no object store, so the wait for it is short.
        """
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(OUTAGES),
            wait=tenacity.wait_exponential(multiplier=0.2, max=5),
            stop=tenacity.stop_any(
                tenacity.stop_after_delay(self.outlast_seconds),
                tenacity.stop_when_event_set(self.over),
                _StopSoonForStore(),
            ),
            sleep=tenacity.sleep_using_event(self.over),
            reraise=True,
        )(act)

    def _patiently(self, act: Callable[[], T]) -> T:
        """Repeat a write to Redis until it is confirmed: the answer says what this delivery did."""
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RedisError),
            wait=tenacity.wait_exponential(multiplier=0.1, max=1),
            stop=tenacity.stop_when_event_set(self.over),
            sleep=tenacity.sleep_using_event(self.over),
            before_sleep=_log_redis,
            reraise=True,
        )(act)


class _StopSoonForStore(stop_base):
    def __call__(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        return isinstance(error, STORE_OUTAGES) and (state.seconds_since_start or 0.0) >= _STORE_SECONDS


def _span(request: Request) -> AbstractContextManager[OpenSpan]:
    """The span of a request. A read begins no trace."""
    if not spans.are_on() or (request.is_read and request.place is None):
        return spans.NO_SPAN
    attributes = {
        Attribute.OPERATION: request.operation, Attribute.MESSAGING: "redis", Attribute.QUEUE: Queue.REQUESTS,
        Attribute.MESSAGE: request.id, Attribute.ACT: "process", Attribute.ACT_TYPE: "process",
    }  # fmt: skip
    return spans.span(f"process {Queue.REQUESTS}", SpanKind.CONSUMER, attributes)


def _log_redis(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("door_waits_for_redis", error=type(error).__name__)


def _sender_of(raw: bytes) -> tuple[str, Reply] | None:
    """The id of a dead message, and the place of its answer. None: no sender waits, or none can be told."""
    try:
        request = envelopes.read(raw)
    except RefusedRequest as error:
        return error.request_id, error.reply
    except Exception:  # noqa: BLE001 -- the reason why the message is dead
        return None
    return None if request.ignores_answer else (request.id, request.reply)


def _internal(request_id: str) -> InternalError:
    return InternalError(
        "something went wrong on our side, and the request may have taken effect: send an order again with the same "
        f"idempotency_key, or the same message id; name the id {request_id} when you ask about it"
    )


def _log(content: dict[str, object]) -> None:
    problem = problem_in(content)
    DOOR_REQUESTS.add("served" if problem is None else "refused")
    if problem is not None:
        log.info("request_refused", code=problem.get("code"))
    else:
        log.info("request_served", made=content.get("id"))
