"""`make demo`: makes two images and three videos through the HTTP API, or one generation through each vendor."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from providers.catalogue import CatalogueFile
from providers.registry import adapter_names
from schemas.errors import NotFound
from schemas.media_types import BY_CONTENT_TYPE
from schemas.settings import Settings
from stack.errors import StackError
from stack.stack import Stack
from storage import customers, ledger
from storage.database import Database

_CREDITS_LEAST = 1000
_CREDITS_EACH = 300
_LOOK_EVERY_SECONDS = 0.25
_GIVE_UP_AFTER_SECONDS = 180.0

_LIGHTHOUSE = "lighthouse"
REQUESTS: Final[dict[str, dict[str, object]]] = {
    _LIGHTHOUSE: {"model": "nano-banana", "prompt": "a lighthouse in fog, oil on canvas", "aspect_ratio": "16:9"},
    "harbour": {"model": "nano-banana-pro", "prompt": "a harbour at dawn, seen from above", "aspect_ratio": "1:1"},
    "paper boat": {
        "model": "kling-2.6-text-to-video",
        "prompt": "a paper boat drifts down a rainy street",
        "aspect_ratio": "16:9",
        "duration_seconds": 5,
    },
    "night train": {
        "model": "kling-2.6-text-to-video",
        "prompt": "a night train passes, with its sound",
        "aspect_ratio": "9:16",
        "duration_seconds": 5,
        "generate_audio": True,
    },
}
"""The orders of the demo, by the names under which it shows them."""

# The demo orders this video when the first image is complete.
_FROM_IMAGE: dict[str, object] = {
    "model": "kling-2.6-image-to-video",
    "prompt": "the fog lifts slowly",
    "duration_seconds": 5,
}


ALL = "all"
"""Stands for every vendor that has an adapter."""

Audit = Callable[[Settings, Console], bool]
"""Audits the system that the settings name and prints the report. Returns whether every rule holds."""


def requests_through(provider: str) -> dict[str, dict[str, object]]:
    """Requests by name: the simplest request of the catalogue for a vendor, or for each vendor (`ALL`).

    Raises:
        NotFound: the vendor does not exist, or no model fits.
    """
    if provider != ALL and provider not in adapter_names():
        raise NotFound(f"there is no adapter {provider!r}: choose {ALL}, {', '.join(sorted(adapter_names()))}")
    names = sorted(adapter_names()) if provider == ALL else [provider]
    models = [plainest_model(name) for name in names]
    return {
        f"{name} ({model})": {"model": model, "prompt": "a paper boat drifts down a rainy street"}
        for name, model in zip(names, models, strict=True)
    }


def plainest_model(provider: str) -> str:
    """The first model whose first route is a vendor, and that needs no picture or video.

    Raises:
        NotFound: no model fits.
    """
    for model in CatalogueFile.shipped().models:
        needs_files = model.capabilities.min_images or model.capabilities.min_videos
        if model.routes[0].provider == provider and not needs_files:
            return model.name
    raise NotFound(f"no model of the catalogue goes to {provider} first and needs no picture or video")


class DemoAsset(BaseModel):
    """A stored file."""

    role: str
    content_type: str
    sha256: str
    size_bytes: int
    width: int
    height: int
    codec: str
    duration_seconds: float | None


class DemoCredits(BaseModel):
    """The credits of a generation."""

    price: int
    captured: int


class DemoGeneration(BaseModel):
    """The fields of a generation that the demo reads from the API."""

    id: str
    status: str
    stage: str
    progress: int
    lost_runs: int
    credits: DemoCredits
    assets: list[DemoAsset]
    error: dict[str, object] | None


@dataclass
class Show:
    """A generation and its progress bar."""

    name: str
    generation: DemoGeneration
    row: TaskID
    file: Path | None = None
    asset: DemoAsset | None = None


@dataclass
class Client:
    """A customer's HTTP client for the gateway."""

    http: httpx.Client
    shows: list[Show] = field(default_factory=list)

    def submit(self, name: str, request: dict[str, object], progress: Progress) -> None:
        """Order a generation and give it a progress bar."""
        answer = self.http.post("/v1/generations", json=request)
        if answer.status_code != httpx.codes.ACCEPTED:
            raise StackError(f"the gateway refused {name!r}: {answer.text}")
        generation = DemoGeneration.model_validate(answer.json())
        row = progress.add_task(name, total=100, stage=generation.stage)
        self.shows.append(Show(name, generation, row))

    def look(self, show: Show) -> None:
        """Read the current state of a generation."""
        answer = self.http.get(f"/v1/generations/{show.generation.id}")
        answer.raise_for_status()
        show.generation = DemoGeneration.model_validate(answer.json())

    def content(self, show: Show) -> bytes:
        """Download the file of a completed generation."""
        answer = self.http.get(f"/v1/generations/{show.generation.id}/content", follow_redirects=True)
        return answer.raise_for_status().content


def run_demo(
    settings: Settings,
    folder: Path = Path(".reelworks/demo"),
    console: Console | None = None,
    *,
    provider: str | None = None,
    audit: Audit,
) -> int:
    """Start the system, make files, print them, audit, and stop the system.

    Args:
        provider: the vendor of one request, or `ALL`. None makes images and videos.
        audit: the last step.

    Returns:
        The exit code: 0 if every generation completed and the audit passed.
    """
    console = console or Console()
    requests = REQUESTS if provider is None else requests_through(provider)
    # Each run has a separate folder: demos may run side by side, and beside `reelworks up`.
    run = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}"
    console.print("[bold]Reelworks demo[/bold]: real services, real workers; the vendor is the sandbox.")
    try:
        with running(settings, run, console) as stack:
            return _show(stack, requests, run / "media", console, audit)
    except StackError as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True)
        return 1
    finally:
        for part in ("postgres", "redis", "s3"):
            shutil.rmtree(run / part, ignore_errors=True)


@contextmanager
def running(settings: Settings, run: Path, console: Console, start: Callable[..., Stack] = Stack) -> Iterator[Stack]:
    """The running system. The console tells of its start and its end.

    Args:
        start: makes the stack from a run folder, settings, and `tell`.
    """
    began = time.monotonic()
    with ExitStack() as ends:
        with console.status("starting PostgreSQL, Redis and S3") as status:
            ready: list[str] = []

            def tell(name: str) -> None:
                ready.append(name)
                status.update(f"starting, {time.monotonic() - began:.0f} s: {', '.join(ready)}")

            stack = ends.enter_context(start(run, settings, tell=tell))
        console.print(
            f"Started in {time.monotonic() - began:.0f} s: gateway {stack.gateway_url}, Flower {stack.flower_url}"
        )
        try:
            yield stack
        finally:
            with console.status("stopping everything"):
                ends.close()
            console.print("Stopped everything.")


def _show(stack: Stack, requests: Mapping[str, dict[str, object]], media: Path, console: Console, audit: Audit) -> int:
    media.mkdir(parents=True)
    granted = max(_CREDITS_LEAST, _CREDITS_EACH * len(requests))
    key = customer_with(granted, stack.settings, console)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=stack.gateway_url, headers=headers, timeout=10, trust_env=False) as http:
        client = Client(http)
        _make_all(stack, client, requests, media, console)
        balance: dict[str, int] = http.get("/v1/credits").json()
    print_table(client.shows, media, console)
    console.print(f"Credits: {granted} granted, {balance['held']} held, balance {balance['available']}.")
    audited = audit(stack.settings, console)
    return 0 if audited and all(show.file for show in client.shows) else 1


def customer_with(granted: int, settings: Settings, console: Console) -> str:
    """Make the customer of a demo with these credits. Returns the customer's API key."""
    database = Database(settings.database_url)
    with database.transaction() as session:
        customer = customers.create_customer(session, "demo")
        key = customers.create_api_key(session, customer.id)
        ledger.grant(session, customer.id, granted, reference="demo")
    database.dispose()
    console.print(f"Customer [bold]demo[/bold] has {granted} credits.")
    return key


def _make_all(
    stack: Stack, client: Client, requests: Mapping[str, dict[str, object]], media: Path, console: Console
) -> None:
    columns = (
        TextColumn(f"{{task.description:<{max(map(len, requests)) + 1}}}"),
        TextColumn("{task.fields[stage]:<11}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    give_up_at = time.monotonic() + _GIVE_UP_AFTER_SECONDS
    with Progress(*columns, console=console) as progress:
        for name, request in requests.items():
            client.submit(name, request, progress)
        while any(show.file is None and show.generation.error is None for show in client.shows):
            if time.monotonic() > give_up_at:
                raise StackError(f"not finished after {_GIVE_UP_AFTER_SECONDS:.0f} s: see {stack.folder / 'logs'}")
            stack.check()
            time.sleep(_LOOK_EVERY_SECONDS)
            for show in [show for show in client.shows if show.file is None and show.generation.error is None]:
                _follow(client, show, media, progress)


def _follow(client: Client, show: Show, media: Path, progress: Progress) -> None:
    client.look(show)
    progress.update(show.row, completed=show.generation.progress, stage=show.generation.stage)
    if show.generation.error is not None:
        progress.console.print(f"[red]{show.name} failed: {show.generation.error}[/red]")
    if show.generation.status != "completed":
        return
    keep(show, client.content(show), media)
    if show.name == _LIGHTHOUSE:
        request = {**_FROM_IMAGE, "image_urls": [f"generation:{show.generation.id}"]}
        client.submit("fog lifts", request, progress)


def keep(show: Show, body: bytes, media: Path) -> None:
    """Write a result to the demo's folder, and compare its checksum with the API's."""
    asset = next(asset for asset in show.generation.assets if asset.role == "result")
    extension = BY_CONTENT_TYPE[asset.content_type].extension
    # The file name leaves out the text in brackets.
    path = media / f"{show.name.partition(' (')[0].replace(' ', '-')}.{extension}"
    path.write_bytes(body)
    if hashlib.sha256(body).hexdigest() != asset.sha256:
        raise StackError(f"{path} does not match the checksum that the API gives")
    show.file, show.asset = path, asset


def print_table(shows: list[Show], media: Path, console: Console) -> None:
    table = Table(title=f"Files in {media}", title_justify="left", box=None, padding=(0, 1, 0, 0))
    for heading in ("file", "size", "pixels", "length", "codec", "sha256"):
        table.add_column(heading, no_wrap=True)
    for heading in ("price", "captured"):
        table.add_column(heading, justify="right", no_wrap=True)
    for show in shows:
        if show.asset is None or show.file is None:
            continue
        asset, paid = show.asset, show.generation.credits
        table.add_row(
            show.file.name,
            f"{asset.size_bytes / 1024:.0f} KiB",
            f"{asset.width}x{asset.height}",
            "-" if asset.duration_seconds is None else f"{asset.duration_seconds:.2f} s",
            asset.codec,
            asset.sha256[:8],
            str(paid.price),
            str(paid.captured),
        )
    console.print(table)
