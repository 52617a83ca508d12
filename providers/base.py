"""The interface between Reelworks and the vendors. An adapter maps requests to a vendor's API, and answers to states.

Adapters raise only the family of `ProviderError` (`schemas.provider_errors`). They have no state except their account,
so all threads of a process share one instance.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from schemas.enums import ErrorCode
from schemas.limits import AccountLimits
from schemas.names import ProviderName
from schemas.orders import Inputs


class InputsRead(StrEnum):
    """Which input files an adapter gets as bytes. The vendor fetches the other files from their URLs."""

    NONE = "none"
    """No file."""

    UPLOADS = "uploads"
    """The files that customers uploaded. Some vendors send HEAD, and a link to our object store answers only GET."""

    ALL = "all"
    """Every file."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The properties of one vendor, as data."""

    title: str
    """The vendor's name in documentation."""

    base_url: str | None
    """The address of the vendor's API. None: the account's settings name it, or the adapter derives it."""

    also_needs: str = ""
    """The required settings of an account besides the key, as text for the documentation: "`…__BASE_URL`"."""

    key_header: str = "Authorization"
    """The header that carries the key."""

    key_scheme: str = "Bearer"
    """The scheme before the key in that header. Empty: the header contains only the key."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of every call, besides the key."""

    create_seconds: float | None = None
    """The time limit of a create where the operator sets none. None: the limit of any other call.

    Set for a vendor whose create returns the finished work or takes whole files.
    """

    poll_seconds: float = 0.0
    """The minimum pause between two polls of the same work that the vendor asks for. 0: the vendor asks for none."""

    reads_inputs: InputsRead = InputsRead.NONE
    """Which input files `submit` needs as bytes."""

    calls_back: bool = False
    """Whether the vendor can send callbacks. If not, the work is polled, whatever the settings say."""

    calls_back_by_node: bool = False
    """Whether the callbacks of an order with a `reference` go to the URL that names the reference."""

    needs_webhook_key: bool = False
    """Whether the vendor calls back only for an account with a webhook key. An account without one is polled."""

    signs_callbacks: bool = False
    """Whether the vendor signs callbacks. Without a signature, the token in the URL is the only proof."""

    cancels: bool = False
    """Whether the vendor has a call that stops work."""

    keeps_our_id: bool = False
    """Whether the vendor stores our id. If so, `look_up` finds work whose create got no answer."""

    limits: AccountLimits = field(default_factory=AccountLimits)
    """The limits that the vendor documents for every account. An operator's setting replaces them."""

    serves_results: bool = False
    """Whether the vendor's API serves the results and requires our key. Otherwise their links need no key."""

    bills_nothing: bool = False
    """Whether the work costs no money: hardware of one's own. The same order may then run twice (decision 63)."""


@dataclass(frozen=True)
class Offer:
    """The accounts of a process, for the catalogue."""

    accounts: frozenset[ProviderName]
    """The accounts that have an API key."""

    models: Mapping[ProviderName, frozenset[str]] = field(default_factory=dict)
    """The vendor's names of the models of each account that serves only some. Others serve all their routes."""

    def has(self, account: ProviderName, model: str) -> bool:
        """Whether an account serves the vendor's model."""
        return account in self.accounts and model in self.models.get(account, {model})


@dataclass(frozen=True)
class InputFile:
    """An input image or video."""

    content: bytes = field(repr=False)
    """The bytes."""

    content_type: str
    """The media type of the bytes: "image/png"."""


@dataclass(frozen=True)
class ProviderRequest:
    """The work to order from a provider."""

    model: str
    """The vendor's name of the model."""

    inputs: Inputs
    """The inputs of the order."""

    files: Mapping[str, InputFile] = field(default_factory=dict)
    """The input files that the adapter gets as bytes (`Profile.reads_inputs`), by URL."""

    sources: Mapping[str, "RemoteRef"] = field(default_factory=dict)
    """The earlier works to extend, by their entry in `inputs.video_urls`. Set if the model `extends` others.

    The same account made these works. The vendor finds them by its own id, so these entries have no link and no file.
    """


@dataclass(frozen=True)
class RemoteRef:
    """The vendor's reference to work that the vendor accepted."""

    remote_id: str
    """The vendor's id of the work."""

    model: str
    """The vendor's name of the model. Some vendors need the model to report the status."""

    links: Mapping[str, str] = field(default_factory=dict, repr=False)
    """`AcceptedCreate.links` of the same work. Empty where a callback brought the id."""

    prompt: str = field(default="", repr=False)
    """The order's prompt."""

    texts: tuple[str, ...] = field(default=(), repr=False)
    """The customer's texts and links (`Inputs.texts`). Vendors repeat them in errors, and no message may quote them."""


Fence = Callable[[], None]
"""Runs immediately before the body of a create is sent. Raises `LeaseLost` to stop the create: another worker now owns
the generation, and a second create would be billed twice. Pass the fence on to `providers.http.calls.Call`."""


@dataclass(frozen=True)
class AcceptedCreate:
    """The vendor accepted the work."""

    remote_id: str
    """The vendor's id of the work."""

    links: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Further URLs of the work that the vendor supplied, under names that the adapter chooses.

    Each is printable text without NUL. The links are stored with the id and returned in `RemoteRef`. Logs and events
    omit them.
    """

    is_finished: bool = False
    """Whether the answer also contained the result. If so, no wait is needed."""

    ahead: int | None = None
    """The works before this one in the vendor's own queue. None: the vendor reports no place."""

    file: bytes | None = field(default=None, repr=False)
    """The result, if the answer contained the file. Reelworks stores the file and adds the link `STORED_FILE`."""


STORED_FILE = "stored_file"
"""The name, in `RemoteRef.links`, of the link to the file that the create returned. Use it as a result URL."""


class RemoteStatus(StrEnum):
    """The status of the work at the vendor. `providers.adapters.words` reads the vendors' words for it."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """The server no longer has the work and will never finish it; no bill follows."""
    UNKNOWN = "unknown"
    """The vendor's word for the status is not known. That is no news: neither an end nor a failed read."""


@dataclass(frozen=True)
class RemoteState:
    """The state of the work, as the vendor reports it."""

    status: RemoteStatus
    """The status of the work."""

    progress: float | None = None
    """A fraction from 0 to 1. None: the vendor reports none."""

    ahead: int | None = None
    """The works before this one in the vendor's own queue; only when queued. None: the vendor reports no place."""

    is_throttled: bool = False
    """Whether the work waits because our account runs as much as it may; only when queued."""

    result_urls: list[str] = field(default_factory=list)
    """The links of the results; at least one when succeeded. Fetch them as `Provider.result_request` says."""

    error_code: ErrorCode | None = None
    """The cause; set when failed."""

    error_message: str | None = None
    """The cause in words; set when failed. `Provider.poll` removes what a customer must not see."""

    provider_credits: Decimal | None = None
    """The vendor's charge in the vendor's credits. None: the vendor has not reported a charge."""

    provider_seconds: float | None = None
    """The time that the work took, as the vendor measures it; set when succeeded. None: the vendor reports none."""

    has_begun: bool = True
    """False: the server says that it lost the work before the work began; only when lost."""

    word: str | None = None
    """The vendor's word for the status; set when unknown. `Provider.poll` makes it short and printable."""


class Cancellation(StrEnum):
    """The vendor's answer to a cancel request."""

    IMPOSSIBLE = "impossible"
    """The vendor cannot stop the work: it has no cancel call, or the work is over. Poll for the outcome."""

    REQUESTED = "requested"
    """The vendor accepted the request. Poll to learn whether the work stopped."""

    STOPPED = "stopped"
    """The work stopped. No poll is needed."""


@dataclass(frozen=True)
class CallbackReading:
    """The content of a callback that the adapter did not refuse."""

    remote_id: str
    """The vendor's id of the work."""

    state: RemoteState | None = None
    """The state of the work. None: the signature does not cover the body, so the callback only triggers a poll."""

    is_verified: bool = False
    """Whether the adapter verified a signature that covers the id. Otherwise the URL's token is the only proof."""


@dataclass(frozen=True)
class ResultRequest:
    """The HTTP request that fetches a result."""

    url: str = field(repr=False)
    """The URL of the file."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The headers of the request. Sent only to the host of `url`, not to a host that it redirects to."""

    body: Mapping[str, object] | None = field(default=None, repr=False)
    """The JSON body of a POST. None: a GET."""

    embedded_in: str | None = None
    """The JSON member whose base64 text is the file, or `providers.http.embedded.DATA_URI`.

    None: the body of the answer is the file.
    """

    embedded_after: int = 0
    """The number of members of that name, or of `data:` URIs, to skip before the file."""


@dataclass(frozen=True)
class AccountState:
    """The state of our account, from a successful check."""

    credits: Decimal | None = None
    """The balance in the vendor's unit; can be negative. None: the vendor does not report it."""

    warning: str | None = None
    """A problem to expect although the vendor accepts the key."""


class Provider(Protocol):
    """A vendor account."""

    name: ProviderName
    """The account's name in the settings."""

    @property
    def profile(self) -> Profile:
        """The properties of the vendor."""

    @property
    def reads_inputs(self) -> InputsRead:
        """Which input files `submit` needs as bytes."""

    @property
    def lost_after_seconds(self) -> float | None:
        """Work that no read finds for this time is lost. None: silent work is never given up."""

    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        """Send one create to the vendor.

        Args:
            generation_id: our reference, for vendors that store one.
            fence: pass it to the create's `Call`.

        Raises:
            LeaseLost: the fence stopped the request.
            ProviderUnavailable: not accepted, or never sent. Safe to send again.
            ProviderOutcomeUnknown: sent, and no readable answer came. Must not be sent again.
            ProviderRejected, ProviderAuthFailed, ProviderQuotaExceeded: not accepted. Sending it again cannot help.
        """

    def poll(self, remote: RemoteRef) -> RemoteState:
        """Read the state of the work. Safe to repeat.

        Raises:
            ProviderUnavailable: no answer this time.
            ProviderWorkAbsent: the server answers, and does not show the work, which may still exist.
            ProviderBadResponse: the answer is about other work, or too large.
            ProviderRejected: the vendor does not know this `remote_id`.
            ProviderAuthFailed: the vendor refuses our account.
        """

    def look_up(self, generation_id: UUID) -> AcceptedCreate | None:
        """Find the work of a create whose answer was lost, by our reference. Safe to repeat.

        Returns None if the vendor stores no reference of ours or finds nothing. None does not prove that the vendor
        refused the create.

        Raises: as `poll` does.
        """

    def cancel(self, remote: RemoteRef) -> Cancellation:
        """Ask the vendor to stop the work. Safe to repeat.

        Raises: as `poll` does.
        """

    def check(self) -> AccountState:
        """Check the key and the address with a call that costs nothing.

        Raises:
            ProviderAuthFailed: the vendor refuses our key.
            ProviderUnavailable: no answer.
            ProviderBadResponse, ProviderRejected, ProviderQuotaExceeded: the answer is not the documented one.
        """

    @property
    def verifies_callbacks(self) -> bool:
        """Whether a callback can be verified: the account has a webhook key, or the vendor publishes its keys."""

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        """Verify the signature of a callback, and read the callback. Header names are lower-case.

        Raises:
            CallbackRefused: the callback has a wrong or no signature, is too old or too large, or cannot be parsed.
        """

    def result_request(self, link: str) -> ResultRequest:
        """The request that fetches a result. It carries a key only to the vendor's API.

        Args:
            link: one of `RemoteState.result_urls`.

        Raises:
            ProviderUnavailable, ProviderAuthFailed: there is no token for the call.
            ProviderBadResponse: the link leads to a place that is not ours.
        """
