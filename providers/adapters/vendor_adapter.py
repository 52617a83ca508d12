"""The base class of all adapters. An adapter overrides only the methods in which its vendor differs."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from providers.account import Account, Credentials
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
from providers.http.transport import EMBEDDED_FILE, Transport
from providers.webhooks import standard_webhooks
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused, ProviderError, ProviderRejected
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

M = TypeVar("M", bound=BaseModel)

_MOST_DIGITS = 6


class _Failure(BaseModel):
    """An error with a status of success."""

    model_config = ConfigDict(extra="allow")

    error: JsonValue = None
    detail: JsonValue = None


# The ids and the content of something that was made.
_MADE = frozenset({"id", "task_id", "taskId", "job_id", "jobId", "data", "result", "output"})
# The members of a problem document (RFC 9457) beside `detail`. FastAPI's errors have `detail` alone.
_OF_PROBLEMS = frozenset({"title", "type", "status", "instance"})


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
    return bool(texts(answer.error)) or (bool(texts(answer.detail)) and _OF_PROBLEMS.issuperset(others))


@dataclass(frozen=True)
class Told:
    """The vendor's explanation of a refused call."""

    text: str
    """The vendor's text."""

    code: ErrorCode | None = None
    """The cause, if the vendor documents one for this answer."""


class VendorAdapter(ABC):
    """A `providers.base.Provider` whose vendor has no cancel call, no look-up and no callbacks.

    The HTTP status decides the error. `_told` finds the text to quote in the body.
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

    @property
    def reads_inputs(self) -> InputsRead:
        return self.profile.reads_inputs

    @abstractmethod
    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate: ...

    def poll(self, remote: RemoteRef) -> RemoteState:
        state = self._state(remote)
        return replace(
            state,
            result_urls=[self._account.absolute(link) for link in state.result_urls],
            error_message=self._safe(state.error_message, remote.prompt),
            word=self._safe(state.word, remote.prompt),
        )

    def _safe(self, text: str | None, prompt: str) -> str | None:
        """A vendor's text without our keys and without the prompt."""
        return None if text is None else self._account.without_secrets(text, prompt=prompt)

    @abstractmethod
    def _state(self, remote: RemoteRef) -> RemoteState:
        """The state for `poll`, which removes our keys and the prompt from its texts, and resolves its paths."""

    def look_up(self, generation_id: UUID) -> AcceptedCreate | None:  # noqa: ARG002 -- the vendor stores no id of ours
        return None

    def cancel(self, remote: RemoteRef) -> Cancellation:  # noqa: ARG002 -- the vendor has no call for it
        return Cancellation.IMPOSSIBLE

    @abstractmethod
    def check(self) -> AccountState: ...

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:  # noqa: ARG002
        raise CallbackRefused(f"{self.name} does not call back")

    def result_request(self, link: str) -> ResultRequest:
        url, _, place = link.partition(EMBEDDED_FILE)
        if place.isascii() and place.isdigit() and len(place) <= _MOST_DIGITS:
            keys = self._account.headers_for(url)
            headers = {**self.profile.headers, **keys} if keys else {}
            return ResultRequest(url, headers=headers, embedded_in=DATA_URI, embedded_after=int(place))
        return ResultRequest(link, headers=self._account.headers_for(link) if self.profile.serves_results else {})

    def _accepted(self, reply: Reply, form: type[M], what: str, *, prompt: str) -> M:
        """The parsed answer of a create.

        Args:
            form: the model of the answer that accepts.
            what: the created thing, for a message: "a prediction".
            prompt: the text that no message may quote.

        Raises:
            ProviderError: the vendor did not accept, or the answer is contradictory.
        """
        made = reply.read(form)
        if made is None:
            raise self._error(reply, prompt=prompt)
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

    def _error(self, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error that a refusal stands for. If our request is at fault, the message quotes the vendor's text."""
        error, told = reply.unreadable(), self._told(reply)
        if reply.is_success and reply.call.is_create and told is not None and _is_failure(reply):
            # Gateways answer errors with 200 too. The vendor says that the create failed, so its outcome is known.
            text = f"{reply.call.provider} answered {reply.call.operation} with an error"
            error = ProviderRejected(text, code=ErrorCode.PROVIDER_FAILED)
        if type(error) is not ProviderRejected or told is None:
            return error
        text = self._account.quotable(told.text, reply, prompt=prompt)
        return ProviderRejected(f"{error.message}: {text}" if text else error.message, code=told.code or error.code)

    def _told(self, reply: Reply) -> Told | None:  # noqa: ARG002 -- each vendor has a different error body
        """The vendor's explanation in the answer of a refused call; None if it has no readable one."""
        return None

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Verifies a callback as Standard Webhooks says. Returns False if the account has no webhook key.

        Raises:
            CallbackRefused: the account has a webhook key, and the signature is missing, wrong or too old.
        """
        key = self._account.webhook_key
        if key:
            standard_webhooks.verify(key, headers, body, now=self._clock())
        return bool(key)
