"""What the provider contract needs of a vendor: what it says, and how a request looked to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol
from uuid import UUID

from pydantic import SecretStr

from providers.base import InputFile, Provider, ProviderRequest
from providers.http.transport import Transport
from schemas.errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.orders import Inputs
from schemas.settings import ProviderSettings
from tests.contract.raw_server import Answer, Request

API_KEY = "sk-secret-api-key"
WEBHOOK_KEY = "secret-webhook-key"
WEBHOOK_SECRET = "whsec_c2VjcmV0LXdlYmhvb2sta2V5"
PROMPT = "a lighthouse that nobody may read about in a log"


HTTP_REFUSALS: Mapping[int, type[ProviderError]] = {
    400: ProviderRejected,
    401: ProviderAuthFailed,
    402: ProviderQuotaExceeded,
    404: ProviderRejected,
    408: ProviderOutcomeUnknown,
    422: ProviderRejected,
    429: ProviderRateLimited,
    500: ProviderOutcomeUnknown,
    503: ProviderUnavailable,
    504: ProviderOutcomeUnknown,
}
"""What a create means that was refused with one of these."""


@dataclass(frozen=True)
class Callback:
    """A callback as the gateway hands it to an adapter."""

    headers: dict[str, str]
    body: bytes


class Wire(Protocol):
    """A vendor's side of the contract. Bytes are the body of an HTTP 200, those of `accepted` of the status `created`.

    `written` is what the vendor is sent for an order, as the adapter writes it: the part that the order decides. A
    `remote_id` is how a test calls the task. An end that takes several reads is the body of each. `queued` is None
    where waiting and running are one state, `cancelled` where the vendor cannot cancel, or has no state for it,
    `callback` where it calls nobody back, `succeeded_with_nothing` where a success always has a result. `stopped` is
    the answer to a call that stops work and tells no state: then the state is read first, and what is gone was stopped;
    None where a cancel is answered with the state. `look_ups`, what a search by our own id finds and what it says when
    there is nothing, is None where the vendor keeps no such id.
    """

    request: ProviderRequest
    created: int
    credits: Decimal | None
    """What the vendor says in `succeeded` that it charged; None where it says nothing."""
    balance: Decimal | None
    """What the vendor says in `checked` that is left."""
    most_results: int
    """How many files a task can make, of two."""
    may_lack_a_search: bool = False
    """Whether a look-up may be answered with 404, which says nothing but that there is no such call."""
    keeps_work: bool = True
    """Whether there is a state to read. Where there is none, a create brings the result, and the id is ours."""
    stops_without_a_state: bool = False
    """Whether the vendor can cancel, and has no state for what it stopped."""
    refusals: ClassVar[Mapping[int, type[ProviderError]]] = {}
    """What a refused create means, by HTTP status: of vendors that have no codes of their own for it."""
    key_header: str = "authorization"
    """The header that carries the key."""

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider: ...
    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]: ...
    def accepted(self, remote_id: str) -> bytes: ...
    def queued(self, remote_id: str) -> bytes | None: ...
    def running(self, remote_id: str) -> bytes: ...
    def succeeded(self, remote_id: str, urls: list[str]) -> bytes | tuple[bytes, ...]: ...
    def succeeded_with_nothing(self, remote_id: str) -> bytes | tuple[bytes, ...] | None: ...
    def failed(self, remote_id: str, reason: str) -> bytes: ...
    def cancelled(self, remote_id: str) -> bytes | None: ...
    def stopped(self) -> Answer | None: ...
    def unknown_state(self, remote_id: str) -> bytes: ...
    def unknown_task(self) -> Answer: ...
    def checked(self) -> bytes | Answer: ...
    def callback(self, remote_id: str, now: float) -> Callback | None: ...
    def callback_url_of(self, create: Request) -> str | None: ...
    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes | tuple[bytes, ...]] | None: ...

    def remote_id(self, task: str) -> str:
        """What the vendor calls the task that a test calls so."""
        return task

    def results(self, base_url: str, remote_id: str, urls: list[str]) -> list[str]:
        """Where the results of `succeeded` are, at an account with this base URL."""
        return urls

    def unknown_path(self) -> type[ProviderError]:
        """What it means that a create is answered with a bare 404."""
        return ProviderRejected

    def finished_at_once(self, remote_id: str, url: str) -> bytes | None:
        """An accept that brings the result; None where all have to be asked for it."""
        return None


def account(base_url: str, timeout: float, webhook_key: str) -> ProviderSettings:
    """An account at this address; an empty webhook key: its callbacks are not signed with one."""
    return ProviderSettings(
        api_key=SecretStr(API_KEY),
        webhook_key=SecretStr(webhook_key),
        base_url=base_url,
        timeout_seconds=timeout,
    )


def files_of(inputs: Inputs) -> dict[str, InputFile]:
    """Files that differ, for vendors that take no links."""
    return {url: InputFile(url.encode(), "image/png") for url in (*inputs.image_urls, *inputs.video_urls)}
