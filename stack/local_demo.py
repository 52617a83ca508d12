"""`make demo PROVIDER=local`: a real model server with tiny weights, through the whole pipeline."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
from rich.console import Console

from schemas.settings import Settings
from stack.demo import Audit, DemoGeneration, customer_with, running
from stack.errors import StackError
from stack.model_servers import ModelServers
from stack.stack import Stack

_CREDITS: Final = 1000
_GIVE_UP_AFTER_SECONDS: Final = 600.0
_LOOK_EVERY_SECONDS: Final = 0.1
_ANSWER_SECONDS: Final = 60.0
_SEED: Final = 7
_MOST_TOO_EARLY: Final = 5
# The work itself takes this part of the progress of a generation (`schemas.stages.PROGRESS`).
_WORKS: Final = "generating"

_PICTURE: Final[Mapping[str, object]] = {"model": "sdxl-turbo", "prompt": "a red sea in the rain", "seed": _SEED}
_TEXT: Final[Mapping[str, object]] = {
    "model": "ltx-video", "prompt": "a cat walks in the sun", "duration_seconds": 1, "seed": _SEED,
}  # fmt: skip


def run_local_demo(settings: Settings, folder: Path, console: Console | None = None, *, audit: Audit) -> int:
    """Start the system with a model server, make files, cancel one in the middle, repeat one, audit, and stop.

    Returns:
        The exit code: 0 if everything was as it should be.
    """
    console = console or Console()
    run = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-local"
    console.print("[bold]Reelworks demo[/bold]: real services, real workers, and a model server with tiny weights.")
    try:
        with console.status("making tiny weights"):
            servers = ModelServers.prepare(run)
        console.print(f"Weights and configuration are in {servers.weights}.", soft_wrap=True)
        start = partial(Stack, processes=servers.processes, sandbox=False)
        with running(servers.wired(settings), run, console, start) as stack:
            return _show(stack, run / "media", console, audit)
    except StackError as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True)
        return 1


def _show(stack: Stack, media: Path, console: Console, audit: Audit) -> int:
    media.mkdir(parents=True)
    headers = {"Authorization": f"Bearer {customer_with(_CREDITS, stack.settings, console)}"}
    with httpx.Client(base_url=stack.gateway_url, headers=headers, timeout=_ANSWER_SECONDS, trust_env=False) as http:
        show = LocalShow(http, console)
        picture = show.made("picture", _PICTURE, media)
        motion = {
            "model": "stable-video",
            "prompt": "not read",
            "image_urls": [f"generation:{picture.id}"],
            "seed": _SEED,
        }
        video = show.made("picture in motion", motion, media)
        first = show.made("video from text", _TEXT, media)
        # The slowest model: others may be done before a cancel comes.
        *early, cancelled = show.cancelled_in_the_middle("video that is cancelled", {**motion, "seed": _SEED + 1})
        again = show.made("the same seed again", _TEXT, media)
        balance: dict[str, int] = http.get("/v1/credits").json()
    is_same = sha256_of(first) == sha256_of(again)
    verdict = "the same bytes" if is_same else "[red]other bytes[/red]"
    console.print(f"The same seed twice: {verdict}: {sha256_of(first)}", soft_wrap=True)
    paid = sum(each.credits.captured for each in (picture, video, first, again, *early, cancelled))
    console.print(f"Credits: {_CREDITS} granted, {paid} paid, {balance['held']} held, {balance['available']} left.")
    is_paid = cancelled.credits.captured == 0 and balance == {**balance, "held": 0, "available": _CREDITS - paid}
    return 0 if audit(stack.settings, console) and is_same and is_paid else 1


def sha256_of(generation: DemoGeneration) -> str:
    """The hash of a generation's result."""
    return next(asset.sha256 for asset in generation.assets if asset.role == "result")


class LocalShow:
    """Orders, and prints the progress of each order whenever it grows."""

    def __init__(self, http: httpx.Client, console: Console) -> None:
        self._http = http
        self._console = console

    def order(self, request: Mapping[str, object]) -> DemoGeneration:
        """Order a generation. A repeated request is another order."""
        answer = self._http.post("/v1/generations", json=dict(request), headers={"Idempotency-Key": str(uuid4())})
        if answer.status_code != httpx.codes.ACCEPTED:
            raise StackError(f"the gateway refused the order: {answer.text}")
        return DemoGeneration.model_validate(answer.json())

    def read(self, generation: DemoGeneration) -> DemoGeneration:
        """The generation now."""
        return DemoGeneration.model_validate(
            self._http.get(f"/v1/generations/{generation.id}").raise_for_status().json()
        )

    def made(self, name: str, request: Mapping[str, object], media: Path) -> DemoGeneration:
        """Order a generation, follow it to its end, and store its file.

        Raises:
            StackError: the generation did not complete.
        """
        began = time.monotonic()
        done = self._followed(name, self.order(request), until_progress=101)
        if done.status != "completed":
            raise StackError(f"{name}: {done.status}: {done.error}")
        content = self._http.get(f"/v1/generations/{done.id}/content", follow_redirects=True).raise_for_status().content
        asset = next(asset for asset in done.assets if asset.role == "result")
        path = media / f"{name.replace(' ', '-')}.{asset.content_type.rpartition('/')[2]}"
        path.write_bytes(content)
        length = "" if asset.duration_seconds is None else f", {asset.duration_seconds:.2f} s"
        took = f"{time.monotonic() - began:.1f} s"
        facts = f"{asset.width}x{asset.height}{length}, {asset.size_bytes / 1024:.0f} KiB, {asset.codec}"
        self._console.print(f"  {path}: {facts}; made in {took}", soft_wrap=True)
        return done

    def cancelled_in_the_middle(self, name: str, request: Mapping[str, object]) -> list[DemoGeneration]:
        """Order a generation, cancel it once its work shows progress, and wait for its end.

        A generation that ends before the cancel comes is completed, and the next one is ordered.

        Returns:
            The completed generations, and last the cancelled one.

        Raises:
            StackError: a generation ended in another way, or too many were completed.
        """
        ended: list[DemoGeneration] = []
        while len(ended) < _MOST_TOO_EARLY:
            began = self._followed(name, self.order(request), until_progress=20)
            asked = self._http.post(f"/v1/generations/{began.id}/cancel")
            if asked.status_code != httpx.codes.CONFLICT:
                asked.raise_for_status()
                self._console.print(f"  cancelled at {began.progress} %")
            ended.append(self._followed(name, began, until_progress=101))
            match ended[-1].status:
                case "cancelled":
                    self._console.print(f"  cancelled; {ended[-1].credits.captured} credits taken")
                    return ended
                case "completed":
                    self._console.print("  completed before the cancel came: once more")
                case status:
                    raise StackError(f"{name}: {status} instead of cancelled: {ended[-1].error}")
        raise StackError(f"{name}: {len(ended)} were completed before their cancels came")

    def _followed(self, name: str, generation: DemoGeneration, *, until_progress: int) -> DemoGeneration:
        """Read a generation until its end, or until its work has this progress. Prints each growth of the work's."""
        seen: list[int] = []
        give_up_at = time.monotonic() + _GIVE_UP_AFTER_SECONDS
        while generation.status not in {"completed", "failed", "cancelled"}:
            if time.monotonic() > give_up_at:
                raise StackError(f"{name}: not finished after {_GIVE_UP_AFTER_SECONDS:.0f} s")
            if generation.stage == _WORKS and generation.progress not in seen:
                seen.append(generation.progress)
            if generation.stage == _WORKS and generation.progress >= until_progress:
                break
            time.sleep(_LOOK_EVERY_SECONDS)
            generation = self.read(generation)
        steps = " ".join(f"{percent} %" for percent in seen)
        self._console.print(f"[bold]{name}[/bold]: {steps or 'no look during its work'}", soft_wrap=True)
        return generation
