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


@dataclass(frozen=True)
class InputFile:
    """An input picture or video. `content_type` is of its bytes: "image/png"."""

    content: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True)
class ProviderRequest:
    """What is asked of a provider: the vendor's model name and the inputs of the order.

    `files` are the input pictures and videos that the adapter reads (`Provider.reads_inputs`), by their URLs.

    `sources` are the generations that a model goes on from, where the catalogue says that it `extends` others: the
    vendor's own handles on them, by what stands in `inputs.video_urls`. The same account made them. Of these there is
    no link and no file.
    """

    model: str
    inputs: Inputs
    files: Mapping[str, InputFile] = field(default_factory=dict)
    sources: Mapping[str, "RemoteRef"] = field(default_factory=dict)


@dataclass(frozen=True)
class RemoteRef:
    """A vendor's own handle on work that it accepted.

    `model` is the vendor's model name, for vendors whose status calls need it. `links` are those of its `Submission`;
    empty where a callback brought the id.
    """

    remote_id: str
    model: str
    links: Mapping[str, str] = field(default_factory=dict, repr=False)


Fence = Callable[[], None]
"""Called right before the body of a create leaves. It raises `LeaseLost` to keep the body here: the generation is
another worker's by then, and a second create would be paid twice. Hand it on to `providers.http.calls.Call`."""


@dataclass(frozen=True)
class Submission:
    """The vendor accepted the work.

    `links` is what else it said of where to ask for it, under names of the adapter's own; printable text without NUL.
    It is stored with the id and comes back in `RemoteRef`. No log and no event tells it.

    `is_finished`: the answer brought the result as well, and there is nothing to wait for. If it brought the `file`
    itself, that is stored, and the link `STORED_FILE` of `links` stands for it.
    """

    remote_id: str
    links: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_finished: bool = False
    file: bytes | None = field(default=None, repr=False)


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
    """One reading of the vendor's state.

    `progress` is a fraction 0..1, where the vendor gives one. `result_urls` has at least one entry when succeeded; what
    stands behind it, `result_request` tells.
    `error_code` and `error_message` (safe to show to a customer) are set when failed. `provider_credits` is what the
    vendor charged, in its own credits, once it says so.
    """

    status: RemoteStatus
    progress: float | None = None
    result_urls: list[str] = field(default_factory=list)
    error_code: ErrorCode | None = None
    error_message: str | None = None
    provider_credits: Decimal | None = None


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
    """What a verified callback says.

    `state` is None where the vendor's signature does not cover the body: then the callback only proves that it is
    time to poll. `is_verified`: a signature of the vendor's was checked, which covers the id; without one, only the
    URL's token speaks for it.
    """

    remote_id: str
    state: RemoteState | None = None
    is_verified: bool = False


@dataclass(frozen=True)
class ResultRequest:
    """How the file behind a result's link is fetched. `headers` go to the host of `url` only.

    `body` goes out as JSON, with a POST. `embedded_in`: the answer is JSON, and the file is the base64 text of its
    first member of that name, after `embedded_after` other texts of that name.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, object] | None = field(default=None, repr=False)
    embedded_in: str | None = None
    embedded_after: int = 0


@dataclass(frozen=True)
class AccountState:
    """What a vendor says of our account when it takes our key.

    `credits` is what is left, in the vendor's own unit, and None where it does not say; negative is possible.
    `warning` is what will go wrong although the key is good.
    """

    credits: Decimal | None = None
    warning: str | None = None


class Provider(Protocol):
    """A vendor account."""

    name: ProviderName
    calls_back: bool
    """Whether the vendor can report to us; one that cannot is polled, whatever the settings say."""
    reads_inputs: InputsRead
    """Which input files `submit` needs themselves."""

    @property
    def create_seconds(self) -> float | None:
        """How long a create may take where the operator set no limit; None: as long as any other call.

        For a vendor that answers it with the finished work, or is sent whole files.
        """

    @property
    def poll_seconds(self) -> float:
        """The least pause between two reads of the same work that the vendor asks for; 0: it says nothing of it."""

    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> Submission:
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

    def look_up(self, generation_id: UUID) -> Submission | None:
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
