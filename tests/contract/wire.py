"""The interface between the provider contract and a vendor's wire: the vendor's answers, and checks of our requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol
from uuid import UUID

from pydantic import SecretStr

from providers.base import InputFile, Provider, ProviderRequest
from providers.http.transport import Transport
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings
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
"""The error of a create that is refused with each HTTP status."""


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
    """The vendor's charge in `succeeded`; None if the vendor reports none."""
    balance: Decimal | None
    """The balance in `checked`."""
    most_results: int
    """The number of files of a task, 1 or 2."""
    loses_work: bool = False
    """Whether `unknown_task` says that a server of ours has lost the work, which then may run again."""
    lists_work: bool = False
    """Whether a look-up reads lists of work instead of searching by our reference."""
    stops_in_steps: bool = False
    """Whether a cancel takes several calls. The vendor's own file tests them."""
    may_lack_a_search: bool = False
    """Whether a look-up can be answered with 404, which means only that the call does not exist."""
    keeps_work: bool = True
    """Whether the vendor has a state to read. If not, a create returns the result, and the id is ours."""
    stops_without_a_state: bool = False
    """Whether the vendor can cancel and has no state for stopped work."""
    refusals: ClassVar[Mapping[int, type[ProviderError]]] = {}
    """The error of a refused create by HTTP status, for vendors without error codes."""
    key_header: str = "authorization"
    """The header that carries the key."""

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider: ...
    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]: ...
    def accepted(self, remote_id: str) -> bytes: ...
    def queued(self, remote_id: str) -> bytes | tuple[bytes, ...] | None: ...
    def running(self, remote_id: str) -> bytes | tuple[bytes, ...]: ...
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
        """The vendor's id of the task that a test names."""
        return task

    def results(self, base_url: str, remote_id: str, urls: list[str]) -> list[str]:
        """The links to the results of `succeeded`, for an account with this base URL."""
        return urls

    def unknown_path(self) -> type[ProviderError]:
        """The error of a create that is answered with 404 and no body of the vendor."""
        return ProviderRejected

    def finished_at_once(self, remote_id: str, url: str) -> bytes | None:
        """An answer to a create that contains the result; None if the vendor has no such answer."""
        return None


def account(base_url: str, timeout: float, webhook_key: str) -> ProviderSettings:
    """The settings of an account at this address. An empty webhook key: the callbacks have no signature."""
    return ProviderSettings(
        api_key=SecretStr(API_KEY),
        webhook_key=SecretStr(webhook_key),
        base_url=base_url,
        timeout_seconds=timeout,
    )


def files_of(inputs: Inputs) -> dict[str, InputFile]:
    """Different files, for vendors that take no links."""
    return {url: InputFile(url.encode(), "image/png") for url in (*inputs.image_urls, *inputs.video_urls)}
