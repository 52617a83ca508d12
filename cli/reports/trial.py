"""Makes one paid order at a vendor, without the database: the whole way of a real key, from the create to the file."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from providers.base import AcceptedCreate, Provider, ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.addresses import AddressPolicy
from providers.registry import Providers
from schemas.errors import RequestError
from schemas.media_types import sniff
from schemas.names import ProviderName
from schemas.orders import GenerationRequest, Order
from schemas.provider_errors import ProviderError, ProviderOutcomeUnknown, ProviderUnavailable
from schemas.settings import Settings

PROMPT = "a paper boat drifts down a rainy street"

_LEAST_PAUSE_SECONDS = 1.0
_WITHOUT_RESULT = frozenset({RemoteStatus.FAILED, RemoteStatus.CANCELLED, RemoteStatus.LOST})


class TrialFailed(Exception):
    """The trial has no file. The text tells the reason."""


@dataclass(frozen=True)
class Trial:
    """A finished trial."""

    path: Path
    """The stored file."""
    content_type: str
    """The media type of the file."""
    size_bytes: int
    """The size of the file."""
    seconds: float
    """The time from the create to the stored file."""
    charged: Decimal | None
    """The vendor's charge in the vendor's credits. None: the vendor does not tell."""


def cheapest_order(
    name: ProviderName, model: str | None, servers: Mapping[ProviderName, Sequence[ProviderName]]
) -> Order:
    """The order of a trial: of the given model, or of the cheapest model that needs no picture or video.

    Args:
        servers: `Providers.servers()`.

    Raises:
        TrialFailed: the account serves no such model.
    """
    catalogue = Catalogue.load(frozenset({name}), servers=servers)
    wanted = [card.name for card in catalogue.models()] if model is None else [model]
    orders: list[Order] = []
    problems: list[str] = []
    for each in wanted:
        try:
            orders.append(catalogue.order(GenerationRequest(model=each, prompt=PROMPT)))
        except RequestError as error:
            problems.append(error.detail)
    if not orders:
        nothing = "no model of the catalogue needs only a prompt there"
        reason = problems[0] if model is not None and problems else nothing
        raise TrialFailed(f"{name} cannot be tried: {reason}")
    return min(orders, key=lambda order: order.credits)


def run(settings: Settings, name: ProviderName, order: Order, folder: Path, *, seconds: float) -> Trial:
    """Send the create, wait for the end, and store the file in a folder.

    Args:
        seconds: the most time to wait for the end.

    Raises:
        TrialFailed: the vendor refused the order, failed, or did not finish in time.
        DownloadError: the file was not fetched.
    """
    policy = AddressPolicy(settings.downloads.allowed_private_networks)
    providers = Providers(settings.providers, policy)
    # Before the paid order: a folder that cannot be made would lose the file.
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        provider = providers.get(name)
        created = _create(provider, order)
        remote = RemoteRef(created.remote_id, order.routes[0].model, created.links, order.inputs.prompt)
        pause = max(_LEAST_PAUSE_SECONDS, providers.poll_seconds(name))
        if created.file is not None:
            content, charged = created.file, None
        else:
            state = _wait(provider, remote, pause, until=began + seconds)
            content, charged = _fetch(provider, order, state, settings), state.provider_credits
    except ProviderOutcomeUnknown as error:
        text = f"{error.message}: the vendor may have taken the order, so look there before you try again"
        raise TrialFailed(text) from None
    except ProviderError as error:
        raise TrialFailed(error.message) from None
    finally:
        providers.close()
    return _stored(folder, name, content, began, charged)


def _create(provider: Provider, order: Order) -> AcceptedCreate:
    request = ProviderRequest(order.routes[0].model, order.inputs)
    return provider.submit(request, callback_url=None, generation_id=uuid4(), fence=lambda: None)


def _wait(provider: Provider, remote: RemoteRef, pause: float, *, until: float) -> RemoteState:
    state: RemoteState | None = None
    while state is None or state.status is not RemoteStatus.SUCCEEDED:
        # The work is paid for, so a vendor that is away for a moment is asked again.
        with suppress(ProviderUnavailable):
            state = provider.poll(remote)
        if state is not None and state.status in _WITHOUT_RESULT:
            raise TrialFailed(f"the vendor ended the work: {state.error_message or state.status}")
        if time.monotonic() + pause > until:
            raise TrialFailed(f"the vendor has not finished; its id of the work is {remote.remote_id}")
        if state is None or state.status is not RemoteStatus.SUCCEEDED:
            time.sleep(pause)
    return state


def _fetch(provider: Provider, order: Order, state: RemoteState, settings: Settings) -> bytes:
    wanted = provider.result_request(state.result_urls[0])
    with open_download(wanted, settings.downloads, kind=order.kind) as download:
        return download.read()


def _stored(folder: Path, name: ProviderName, content: bytes, began: float, charged: Decimal | None) -> Trial:
    media = sniff(content)
    if media is None:
        raise TrialFailed("the vendor's file is no known image or video")
    path = folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.{media.extension}"
    path.write_bytes(content)
    return Trial(path, media.content_type, len(content), time.monotonic() - began, charged)
