"""The seam between Reelworks and the vendors: an adapter is mapping only, a request out, a state in.

Adapters raise the `ProviderError` family of `schemas.errors` and nothing else. They hold no state beyond their
account, so one instance serves every thread of a process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from schemas.enums import ErrorCode
from schemas.names import ProviderName
from schemas.orders import Inputs


class InputsRead(StrEnum):
    """Which input files an adapter is given themselves; its vendor fetches the others from their URLs."""

    NONE = "none"
    UPLOADS = "uploads"
    """Those that customers gave us: a link to our object store answers GET, not the HEAD that some vendors send."""

    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How one vendor differs from the others, as data."""

    title: str
    """The vendor's name in documentation."""

    base_url: str | None
    """The address of the vendor's API. None: each account names its own, or the adapter finds it."""

    also_needs: str = ""
    """The settings of an account beside its key, in words for documentation: "`…__BASE_URL`"."""

    key_header: str = "Authorization"
    """The header that carries the key."""

    key_scheme: str = "Bearer"
    """The word before the key in that header. Empty: the key stands alone."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of every call, beside the key."""

    create_seconds: float | None = None
    """How long a create may take where the operator sets no limit. None: as long as any other call.

    For a vendor that answers a create with the finished work, or is sent whole files.
    """

    poll_seconds: float = 0.0
    """The least pause between two reads of the same work that the vendor asks for. 0: it asks for none."""

    reads_inputs: InputsRead = InputsRead.NONE
    """Which input files `submit` needs themselves."""

    calls_back: bool = False
    """Whether the vendor can report to us. One that cannot is polled, whatever the settings say."""

    signs_callbacks: bool = False
    """Whether a signature proves a callback. Without one, the token in the URL is the only proof."""

    cancels: bool = False
    """Whether the vendor has a call that stops work."""

    keeps_our_id: bool = False
    """Whether the vendor stores an id of ours, by which `look_up` finds work whose create had no answer."""

    serves_results: bool = False
    """Whether results lie at the vendor's API and need our key. Otherwise their links need none."""


@dataclass(frozen=True)
class InputFile:
    """An input picture or video."""

    content: bytes = field(repr=False)
    """The bytes."""

    content_type: str
    """The media type of the bytes: "image/png"."""


@dataclass(frozen=True)
class ProviderRequest:
    """What a provider is asked for."""

    model: str
    """The vendor's name of the model."""

    inputs: Inputs
    """The inputs of the order."""

    files: Mapping[str, InputFile] = field(default_factory=dict)
    """The input files that the adapter reads (`Profile.reads_inputs`), by their URLs."""

    sources: Mapping[str, "RemoteRef"] = field(default_factory=dict)
    """The generations that a model goes on from, where the catalogue says that it `extends` others.

    Each is the vendor's own handle, by the entry of `inputs.video_urls` that stands for it. The same account made them.
    They have neither a link nor a file.
    """


@dataclass(frozen=True)
class RemoteRef:
    """A vendor's own handle on work that it accepted."""

    remote_id: str
    """The vendor's id of the work."""

    model: str
    """The vendor's name of the model, for vendors whose status calls need it."""

    links: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The links of its `AcceptedCreate`. Empty where a callback brought the id."""


Fence = Callable[[], None]
"""Called right before the body of a create leaves. It raises `LeaseLost` to keep the body here: the generation is
another worker's by then, and a second create would be paid twice. Hand it on to `providers.http.calls.Call`."""


@dataclass(frozen=True)
class AcceptedCreate:
    """The vendor accepted the work."""

    remote_id: str
    """The vendor's id of the work."""

    links: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What else the vendor said of where to ask for the work, under names that the adapter chooses.

    Printable text without NUL. It is stored with the id and comes back in `RemoteRef`. No log and no event tells it.
    """

    is_finished: bool = False
    """Whether the answer brought the result as well, so that there is nothing to wait for."""

    file: bytes | None = field(default=None, repr=False)
    """The result itself, if the answer held it. It is stored, and the link `STORED_FILE` of `links` stands for it."""


STORED_FILE = "stored_file"
"""The name in `RemoteRef.links` of the link to the file that came with the create; for `RemoteState.result_urls`."""


class RemoteStatus(StrEnum):
    """Where the work stands at the vendor. A word that an adapter does not know is a `ProviderBadResponse`."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class RemoteState:
    """One reading of the vendor's state."""

    status: RemoteStatus
    """Where the work stands."""

    progress: float | None = None
    """A fraction from 0 to 1, where the vendor gives one."""

    result_urls: list[str] = field(default_factory=list)
    """At least one entry when succeeded; `Provider.result_request` says how to fetch what stands behind it."""

    error_code: ErrorCode | None = None
    """Set when failed."""

    error_message: str | None = None
    """Set when failed; safe to show to a customer."""

    provider_credits: Decimal | None = None
    """What the vendor charged, in its own credits, once it says so."""


class Cancellation(StrEnum):
    """What a vendor said when it was asked to stop."""

    IMPOSSIBLE = "impossible"
    """It cannot stop this: it has no call for it, or the work is over. What becomes of it, the state tells."""

    REQUESTED = "requested"
    """It took the request; the state tells when, and whether, it stopped."""

    STOPPED = "stopped"
    """It stopped, and there is nothing left to read."""


@dataclass(frozen=True)
class CallbackReading:
    """What a verified callback says."""

    remote_id: str
    """The vendor's id of the work."""

    state: RemoteState | None = None
    """None where the vendor's signature does not cover the body: the callback only proves that it is time to poll."""

    is_verified: bool = False
    """Whether a signature of the vendor was checked that covers the id. Otherwise the URL's token is the only proof."""


@dataclass(frozen=True)
class ResultRequest:
    """How the file behind a result's link is fetched."""

    url: str = field(repr=False)
    """Where the file is."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers that go to the host of `url` only."""

    body: Mapping[str, object] | None = field(default=None, repr=False)
    """A body that goes out as JSON, with a POST. None: a GET."""

    embedded_in: str | None = None
    """The answer is JSON, and the file is the base64 text of its first member of this name."""

    embedded_after: int = 0
    """How many other texts of that name stand before the file."""


@dataclass(frozen=True)
class AccountState:
    """What a vendor says of our account when it takes our key."""

    credits: Decimal | None = None
    """What is left, in the vendor's own unit; it may be negative. None: the vendor does not say."""

    warning: str | None = None
    """What will go wrong although the key is good."""


class Provider(Protocol):
    """A vendor account."""

    name: ProviderName

    @property
    def profile(self) -> Profile:
        """How its vendor differs from the others."""

    @property
    def reads_inputs(self) -> InputsRead:
        """Which input files `submit` needs themselves."""

    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        """Create the work at the vendor, once.

        Args:
            generation_id: our own reference, for vendors that keep one.
            fence: goes into the create's `Call`.

        Raises:
            LeaseLost: the fence kept the request here.
            ProviderUnavailable: not accepted, or never sent: may be sent again.
            ProviderOutcomeUnknown: sent, and no readable answer: must not be sent again.
            ProviderRejected, ProviderAuthFailed, ProviderQuotaExceeded: not accepted, and repeating cannot help.
        """

    def poll(self, remote: RemoteRef) -> RemoteState:
        """Read the state of the work. Safe to repeat.

        Raises:
            ProviderUnavailable: no answer this time.
            ProviderBadResponse: an answer that the vendor's documentation does not know.
            ProviderRejected: the vendor does not know this `remote_id`.
            ProviderAuthFailed: our account is refused.
        """

    def look_up(self, generation_id: UUID) -> AcceptedCreate | None:
        """Find the work of a create whose answer was lost, by our own reference. Safe to repeat.

        None where the vendor keeps no reference of ours, and where it has found nothing: that does not prove that the
        create was not accepted.

        Raises: as `poll` does.
        """

    def cancel(self, remote: RemoteRef) -> Cancellation:
        """Ask the vendor to stop. Safe to repeat.

        Raises: as `poll` does.
        """

    def check(self) -> AccountState:
        """Ask the vendor for something that costs nothing, to see that our key and address are good.

        Raises:
            ProviderAuthFailed: our key is refused.
            ProviderUnavailable: no answer.
            ProviderBadResponse, ProviderRejected, ProviderQuotaExceeded: it answers, and not as the vendor does.
        """

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        """Verify a callback's signature and read it. Header names are lower-case.

        Raises:
            CallbackRefused: not signed by the vendor, too old, or unreadable.
        """

    def result_request(self, link: str) -> ResultRequest:
        """How to fetch a result; never with a key for a host that is not the vendor's API.

        Args:
            link: one of `RemoteState.result_urls`.
        """
