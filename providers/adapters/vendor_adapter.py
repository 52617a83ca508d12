"""What adapters have in common: an adapter says only how its vendor differs from this."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel

from providers.account import Account, Credentials
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
from providers.http.transport import Transport
from providers.webhooks import standard_webhooks
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused, ProviderError, ProviderRejected
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Told:
    """What a vendor says of a call that it refused."""

    text: str
    """The vendor's own words."""

    code: ErrorCode | None = None
    """The cause, where the vendor's words are documented to mean one."""


class VendorAdapter(ABC):
    """A vendor account that cannot cancel, look up or call back: a `providers.base.Provider`.

    It reads the vendor's verdict from the HTTP status, and quotes what `_told` finds in the body.
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
        """Describes the account; calls nobody.

        Args:
            clock: tells Unix seconds, for signatures.
            base_url, credentials: as `Account` takes them.

        Raises:
            InvalidSettings: the account cannot be used as it is configured.
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
        if state.error_message is None:
            return state
        return replace(state, error_message=self._account.without_keys(state.error_message))

    @abstractmethod
    def _state(self, remote: RemoteRef) -> RemoteState:
        """What `poll` answers, of which the message may quote the vendor."""

    def look_up(self, generation_id: UUID) -> AcceptedCreate | None:  # noqa: ARG002 -- the vendor stores no id of ours
        return None

    def cancel(self, remote: RemoteRef) -> Cancellation:  # noqa: ARG002 -- the vendor has no call for it
        return Cancellation.IMPOSSIBLE

    @abstractmethod
    def check(self) -> AccountState: ...

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:  # noqa: ARG002
        raise CallbackRefused(f"{self.name} does not call back")

    def result_request(self, link: str) -> ResultRequest:
        return ResultRequest(link, headers=self._account.headers_for(link) if self.profile.serves_results else {})

    def _accepted(self, reply: Reply, form: type[M], what: str, *, prompt: str) -> M:
        """What a create made.

        Args:
            form: the answer of a vendor that accepted.
            what: what it made, for a message: "a prediction".
            prompt: what no text may repeat.

        Raises:
            ProviderError: the vendor accepted nothing, or does not say so plainly.
        """
        made = reply.read(form)
        if made is None:
            raise self._error(reply, prompt=prompt)
        if not reply.is_success:
            raise reply.undocumented(f"an error and {what} at once")
        return made

    def _answer(self, reply: Reply, form: type[M]) -> M:
        """What a read was answered with.

        Raises:
            ProviderError: the vendor refused it, or answered something else.
        """
        answer = reply.read(form) if reply.is_success else None
        if answer is None:
            raise self._error(reply)
        return answer

    def _error(self, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error of an answer without what was asked for; where our request is at fault, with the vendor's words."""
        error, told = reply.unreadable(), self._told(reply)
        if type(error) is not ProviderRejected or told is None:
            return error
        text = self._account.quotable(told.text, reply, prompt=prompt)
        return ProviderRejected(f"{error.message}: {text}" if text else error.message, code=told.code)

    def _told(self, reply: Reply) -> Told | None:  # noqa: ARG002 -- no vendor has the words of another
        """What the vendor says of a call that it refused; None where it says nothing readable."""
        return None

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a callback is signed as Standard Webhooks are: it must be, if the account has a webhook key.

        Raises:
            CallbackRefused: the signature is wrong, or old.
        """
        key = self._account.webhook_key
        if key:
            standard_webhooks.verify(key, headers, body, now=self._clock())
        return bool(key)
