"""The base class of all adapters. An adapter overrides only the methods in which its vendor differs."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar, final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from providers.account import Account, Credentials
from providers.adapters.health import Health
from providers.adapters.payload import texts
from providers.base import (
    AcceptedCreate,
    AccountState,
    CallbackReading,
    Cancellation,
    Fence,
    InputsRead,
    Profile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    ResultRequest,
)
from providers.http.calls import Reply
from providers.http.embedded import DATA_URI
from providers.http.redaction import LONGEST, quotable
from providers.http.transport import EMBEDDED_FILE, Transport
from providers.webhooks import standard_webhooks
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
from schemas.names import ProviderName
from schemas.provider_errors import ProviderError, ProviderRejected
from schemas.setting_groups import ProviderSettings

M = TypeVar("M", bound=BaseModel)

_MOST_DIGITS = 6
_LONGEST_WORD = 60


class _Failure(BaseModel):
    """An error with a status of success."""

    model_config = ConfigDict(extra="allow")

    error: JsonValue = None
    detail: JsonValue = None


# The ids and the content of something that was made, as any of our vendors calls them.
_MADE = frozenset(
    {"id", "name", "task_id", "taskId", "job_id", "jobId", "request_id", "requestId", "generation_id", "data", "result",
     "output"}
)  # fmt: skip
# The members of a problem document (RFC 9457) beside `detail`. FastAPI's errors have `detail` alone.
_OF_PROBLEMS = frozenset({"title", "type", "status", "instance"})
# Codes that an `error` of an accepted create may have.
_OF_SUCCESS = (0, "0", 200, "200")


def _is_failure(reply: Reply) -> bool:
    """Whether the answer can only mean that nothing was made.

    Answers to accepted creates have a `message` or a `detail`, too: these alone prove nothing.
    """
    answer = reply.read(_Failure)
    if answer is None:
        return False
    others = answer.model_extra or {}
    if any(others.get(name) for name in _MADE):
        return False
    if isinstance(answer.error, dict) and answer.error.get("code") in _OF_SUCCESS:
        return False
    is_problem = _OF_PROBLEMS.issuperset(others) and not isinstance(others.get("status"), str)
    return bool(texts(answer.error)) or (bool(texts(answer.detail)) and is_problem)


@dataclass(frozen=True)
class Told:
    """The vendor's explanation of a refused call."""

    text: str
    """The vendor's text."""

    code: ErrorCode | None = None
    """The cause, if the vendor documents one for this answer."""


class VendorAdapter(ABC):
    """A `providers.base.Provider` whose vendor has no cancel call, no look-up and no callbacks.

    The HTTP status decides the error. `_told` finds the text to quote in the body. The public methods are final: they
    run the methods with an underscore, and keep our keys and the customer's texts out of every message.
    """

    profile: ClassVar[Profile]

    def __init__(
        self,
        name: ProviderName,
        settings: ProviderSettings,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.time,
        base_url: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        """Makes the adapter, without a call.

        Args:
            clock: returns Unix seconds, for signatures.
            base_url, credentials: passed on to `Account`.

        Raises:
            InvalidSettings: the settings of the account are wrong.
        """
        self.name = name
        self._account = Account(name, settings, transport, self.profile, base_url=base_url, credentials=credentials)
        self._clock = clock
        self._health = Health(name)

    @classmethod
    def profile_of(cls, name: ProviderName, settings: ProviderSettings) -> Profile:  # noqa: ARG003 -- one for all
        """The properties of the vendor behind an account. They differ where options name a server of another kind.

        Raises:
            InvalidSettings: the settings of the account are wrong.
        """
        return cls.profile

    @classmethod
    def models(cls, name: ProviderName, settings: ProviderSettings) -> frozenset[str] | None:  # noqa: ARG003 -- all
        """The vendor's names of the models that an account serves. None: those of all routes to the account.

        Raises:
            InvalidSettings: the settings of the account are wrong.
        """
        return None

    @property
    def reads_inputs(self) -> InputsRead:
        return self.profile.reads_inputs

    @property
    def lost_after_seconds(self) -> float | None:
        return None

    @final
    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        # Of the URL the token alone: the rest has our own name of the account, which begins every message.
        with self._calling((*request.inputs.texts(), (callback_url or "").rpartition("=")[2])):
            return self._submit(request, callback_url=callback_url, generation_id=generation_id, fence=fence)

    @final
    def poll(self, remote: RemoteRef) -> RemoteState:
        texts = (remote.prompt, *remote.texts)
        with self._calling(texts):
            state = self._state(remote)
        message, word = state.error_message, state.word
        return replace(
            state,
            result_urls=[self._account.absolute(link) for link in state.result_urls],
            error_message=None if message is None else self._safe(message, texts),
            word=None if word is None else self._safe(word, texts, longest=_LONGEST_WORD) or "empty",
        )

    @final
    def look_up(self, generation_id: UUID) -> AcceptedCreate | None:
        with self._quoting_safely():
            return self._look_up(generation_id)

    @final
    def cancel(self, remote: RemoteRef) -> Cancellation:
        with self._quoting_safely((remote.prompt, *remote.texts)):
            return self._cancel(remote)

    @final
    def check(self) -> AccountState:
        with self._calling():
            return self._check()

    @final
    def result_request(self, link: str) -> ResultRequest:
        with self._quoting_safely((link,)):
            return self._result_request(link)

    @contextmanager
    def _calling(self, texts: Iterable[str] = ()) -> Iterator[None]:
        """Watches the health of the account, for the methods that make a call at every vendor."""
        try:
            with self._quoting_safely(texts):
                yield
        except ProviderError as error:
            self._health.failed(error)
            raise
        self._health.succeeded()

    @contextmanager
    def _quoting_safely(self, texts: Iterable[str] = ()) -> Iterator[None]:
        """Removes our keys, these texts and links from the message of an error. Adapters quote vendors as they are.

        This is the one place for it: each public method runs the adapter's own method inside.
        """
        try:
            yield
        except ProviderError as error:
            error.message = self._safe(error.message, texts)
            error.args = (error.message,)
            # `from None`: a cause can quote the vendor, too.
            raise error from None

    def _safe(self, text: str, texts: Iterable[str], *, longest: int = LONGEST) -> str:
        return quotable(text, secrets=(*self._account.secrets(), *texts), longest=longest)

    @abstractmethod
    def _submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        """The adapter's part of `submit`."""

    @abstractmethod
    def _state(self, remote: RemoteRef) -> RemoteState:
        """The adapter's part of `poll`, which resolves paths among the links."""

    def _look_up(self, generation_id: UUID) -> AcceptedCreate | None:  # noqa: ARG002 -- the vendor stores no id of ours
        """The adapter's part of `look_up`."""
        return None

    def _cancel(self, remote: RemoteRef) -> Cancellation:  # noqa: ARG002 -- the vendor has no call for it
        """The adapter's part of `cancel`."""
        return Cancellation.IMPOSSIBLE

    @abstractmethod
    def _check(self) -> AccountState:
        """The adapter's part of `check`."""

    @property
    def verifies_callbacks(self) -> bool:
        return bool(self._account.webhook_keys)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:  # noqa: ARG002
        raise CallbackRefused(f"{self.name} does not call back")

    def _result_request(self, link: str) -> ResultRequest:
        """The adapter's part of `result_request`."""
        url, _, place = link.partition(EMBEDDED_FILE)
        if place.isascii() and place.isdigit() and len(place) <= _MOST_DIGITS:
            keys = self._account.headers_for(url)
            headers = {**self.profile.headers, **keys} if keys else {}
            return ResultRequest(url, headers=headers, embedded_in=DATA_URI, embedded_after=int(place))
        return ResultRequest(link, headers=self._account.headers_for(link) if self.profile.serves_results else {})

    def _accepted(self, reply: Reply, form: type[M], what: str) -> M:
        """The parsed answer of a create.

        Args:
            form: the model of the answer that accepts.
            what: the created thing, for a message: "a prediction".

        Raises:
            ProviderError: the vendor did not accept, or the answer is contradictory.
        """
        made = reply.read(form)
        if made is None:
            raise self._error(reply)
        if not reply.is_success:
            raise reply.undocumented(f"an error and {what} at once")
        return made

    def _answer(self, reply: Reply, form: type[M]) -> M:
        """The parsed answer of a read.

        Raises:
            ProviderError: the vendor refused the read, or the answer has another form.
        """
        answer = reply.read(form) if reply.is_success else None
        if answer is None:
            raise self._error(reply)
        return answer

    def _error(self, reply: Reply) -> ProviderError:
        """The error that a refusal stands for. If our request is at fault, the message quotes the vendor's text."""
        error, told = reply.unreadable(), self._told(reply)
        if reply.is_success and reply.call.is_create and told is not None and _is_failure(reply):
            # Gateways answer errors with 200 too. The vendor says that the create failed, so its outcome is known.
            text = f"{reply.call.provider} answered {reply.call.operation} with an error"
            error = ProviderRejected(text, code=ErrorCode.PROVIDER_FAILED)
        if type(error) is not ProviderRejected or told is None:
            return error
        text = f"{error.message}: {told.text}" if told.text.strip() else error.message
        return ProviderRejected(text, code=told.code or error.code)

    def _told(self, reply: Reply) -> Told | None:  # noqa: ARG002 -- each vendor has a different error body
        """The vendor's explanation in the answer of a refused call; None if it has no readable one."""
        return None

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Verifies a callback as Standard Webhooks says. Returns False if the account has no webhook key.

        Raises:
            CallbackRefused: the account has a webhook key, and the signature is missing, wrong or too old.
        """
        keys = self._account.webhook_keys
        for number, key in enumerate(keys, 1):
            try:
                standard_webhooks.verify(key, headers, body, now=self._clock())
            except CallbackRefused:
                if number == len(keys):
                    raise
            else:
                break
        return bool(keys)
