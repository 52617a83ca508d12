"""The model's vendor: a book of accepted creates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

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
    RemoteStatus,
    ResultRequest,
)
from schemas.errors import CallbackRefused
from schemas.names import ProviderName
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from tests.model.actors import Point, Unforeseen, learn, mood, reach, unwatched
from tests.model.files import Files
from tests.model.menu import OWN_SERVERS
from tests.model.moods import Create, LookUp, Reading, Stopping

_OVER = frozenset({RemoteStatus.SUCCEEDED, RemoteStatus.FAILED, RemoteStatus.CANCELLED, RemoteStatus.LOST})
_LOST_AFTER_SECONDS = 60.0


@dataclass
class Work:
    """An accepted create."""

    remote_id: str
    """The vendor's id."""
    provider: ProviderName
    """The vendor."""
    generation_id: UUID
    """The generation."""
    model: str
    """The vendor's model."""
    resends: int
    """When this create was sent: how often an unknown outcome had been given up for a new create."""
    reference: UUID
    """Our id of the run."""
    status: RemoteStatus = RemoteStatus.RUNNING
    """The state of the work."""


@dataclass
class Vendor:
    """A `providers.base.Provider` in memory with the calling actor's mood. All vendors of a run share one book."""

    name: ProviderName
    """The vendor's name."""
    book: list[Work]
    """The shared book."""
    files: Files
    """Serves the results."""
    on_departure: Callable[[UUID], tuple[UUID, int]]
    """Called with the reference of each create that is sent. Returns the generation, and how often an unknown outcome
    had been given up before."""
    reads_inputs: InputsRead = InputsRead.NONE
    """See `Provider`."""

    @property
    def profile(self) -> Profile:
        """See `Provider`."""
        is_own = self.name in OWN_SERVERS
        return Profile(title="A vendor in memory", base_url=None, calls_back=True, bills_nothing=is_own)

    @property
    def lost_after_seconds(self) -> float | None:
        """See `Provider`."""
        return _LOST_AFTER_SECONDS if self.name in OWN_SERVERS else None

    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        """Accept or refuse a create. After the fence the request is on the wire."""
        reach(Point.VENDOR)
        create = mood().create
        if create is Create.BUG_BEFORE:
            raise Unforeseen("before the create left")
        fence()
        with unwatched():
            ordered, resends = self.on_departure(generation_id)
        reach(Point.VENDOR)
        if create in _REFUSALS:
            raise _refusal(create)
        work = Work(f"r{len(self.book) + 1}", self.name, ordered, request.model, resends, generation_id)
        self.book.append(work)
        reach(Point.VENDOR)
        match create:
            case Create.REPLY_LOST:
                raise ProviderOutcomeUnknown("the connection was cut")
            case Create.BUG_AFTER:
                raise Unforeseen("after the create left")
            case _:
                learn(work.remote_id)
                return AcceptedCreate(work.remote_id)

    def poll(self, remote: RemoteRef) -> RemoteState:
        """Read the book. The mood may change the book first."""
        reach(Point.VENDOR)
        work = self._find(remote.remote_id)
        reading = mood().reading
        match reading:
            case Reading.UNAVAILABLE:
                raise ProviderUnavailable("away")
            case Reading.UNKNOWN_WORD:
                return RemoteState(RemoteStatus.UNKNOWN, word="pondering")
            case Reading.OTHER_WORK:
                raise ProviderBadResponse("about other work")
            case Reading.WRONG_KEY:
                raise ProviderAuthFailed("refused")
            case Reading.BUG:
                raise Unforeseen("while reading")
            case _ if work is None:
                raise ProviderRejected("no such work")
            case _:
                if work.status not in _OVER:
                    work.status = RemoteStatus(reading.value)
                return RemoteState(work.status, result_urls=self._result_urls(work))

    def look_up(self, generation_id: UUID) -> AcceptedCreate | None:
        """Find the newest create with a reference, if the mood allows it."""
        reach(Point.VENDOR)
        match mood().look_up:
            case LookUp.UNAVAILABLE:
                raise ProviderUnavailable("away")
            case LookUp.FINDS:
                works = [each for each in self.book if (each.reference, each.provider) == (generation_id, self.name)]
                return AcceptedCreate(works[-1].remote_id) if works else None
            case LookUp.FINDS_NOTHING:
                return None

    def cancel(self, remote: RemoteRef) -> Cancellation:
        """Stop unfinished work, as the mood says."""
        reach(Point.VENDOR)
        work = self._find(remote.remote_id)
        stopping = mood().stopping
        if stopping is Stopping.UNAVAILABLE:
            raise ProviderUnavailable("away")
        if work is None:
            raise ProviderRejected("no such work")
        if work.status in _OVER:
            return Cancellation.IMPOSSIBLE
        if stopping is Stopping.STOPPED:
            work.status = RemoteStatus.CANCELLED
        return Cancellation(stopping.value)

    def check(self) -> AccountState:
        """Not used by the model."""
        return AccountState()

    @property
    def verifies_callbacks(self) -> bool:
        """Callbacks reach the model without the gateway."""
        return False

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        """Callbacks reach the model without the gateway."""
        raise CallbackRefused("the model has no gateway")

    def result_request(self, link: str) -> ResultRequest:
        """A plain request. The file server has its own behaviour."""
        self.files.behave(link, mood().file)
        return ResultRequest(link)

    def _find(self, remote_id: str) -> Work | None:
        return next((work for work in self.book if work.remote_id == remote_id and work.provider == self.name), None)

    def _result_urls(self, work: Work) -> list[str]:
        return [self.files.url(work.remote_id)] if work.status is RemoteStatus.SUCCEEDED else []


def works_of(generation_id: UUID, book: list[Work]) -> list[Work]:
    """The accepted creates of a generation, oldest first."""
    return [work for work in book if work.generation_id == generation_id]


def _refusal(create: Create) -> ProviderError:
    refused, message = _REFUSALS[create]
    return refused(message, retry_after=3)


_REFUSALS: dict[Create, tuple[type[ProviderError], str]] = {
    Create.LOST: (ProviderOutcomeUnknown, "the connection was cut"),
    Create.UNAVAILABLE: (ProviderUnavailable, "away"),
    Create.RATE_LIMITED: (ProviderRateLimited, "too many"),
    Create.REJECTED: (ProviderRejected, "a wrong prompt"),
    Create.EMPTY_ACCOUNT: (ProviderQuotaExceeded, "empty"),
    Create.WRONG_KEY: (ProviderAuthFailed, "refused"),
}
