"""All requests of the HTTP API, as coroutines. `Client` and `AsyncClient` have these methods."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, Unpack

from pydantic import BaseModel

from reelworks_client._calls import Deadline, Link, follow, send, wait, wait_for_batch
from reelworks_client._files import Source, content_of, download, read
from reelworks_client._io import Request
from reelworks_client.models import Batch, Estimate, Event, Generation, Page, Queue
from reelworks_client.orders import Filters, Item, Order, Outputs
from reelworks_client.progress import Progress
from reelworks_client.resources import Me, ModelInfo, Share, Upload

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


class Operations:
    """The requests of the API."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def order(self, prompt: str, *, idempotency_key: str | None = None, **order: Unpack[Order]) -> Generation:
        """Order an image or a video; the generation, which has only begun.

        Args:
            prompt: the description.
            idempotency_key: the same key and order give the same generation. Default: a new key.
            order: the fields of `Order`, such as `model`.
        """
        return await self._post(Generation, "/v1/generations", {"prompt": prompt, **order}, _key(idempotency_key))

    async def generate(
        self,
        prompt: str,
        *,
        timeout: float | None = None,
        progress: Progress | None = None,
        idempotency_key: str | None = None,
        **order: Unpack[Order],
    ) -> Generation:
        """Order an image or a video, and wait for the result.

        Args:
            prompt: the description.
            timeout: seconds after which `WaitTimeout` is raised. The generation then goes on.
            progress: gets each event, for example `TerminalBar()`.
            idempotency_key: the same key and order give the same generation. Default: a new key.
            order: the fields of `Order`, such as `model`.

        Raises `GenerationFailed` if the generation failed or was cancelled.
        """
        deadline = Deadline(timeout)
        ordered = await self.order(prompt, idempotency_key=idempotency_key, **order)
        return (await wait(self._link, ordered.id, deadline, progress)).raise_for_end()

    async def wait(
        self, generation_id: str, *, timeout: float | None = None, progress: Progress | None = None
    ) -> Generation:
        """Wait until the generation has ended, and return it.

        `raise_for_end()` raises an error where there is no result.

        Args:
            generation_id: the generation.
            timeout: seconds after which `WaitTimeout` is raised.
            progress: gets each event.
        """
        return await wait(self._link, generation_id, Deadline(timeout), progress)

    async def generation(self, generation_id: str) -> Generation:
        """A generation as it is now."""
        return await self._get(Generation, f"/v1/generations/{generation_id}")

    def generations(self, **filters: Unpack[Filters]) -> AsyncIterator[Generation]:
        """All generations that the filters find, newest first. Reads page by page."""
        return self._items(Page[Generation], "/v1/generations", filters)

    def items(self, path: str, *, params: Mapping[str, Any] | None = None) -> AsyncIterator[dict[str, Any]]:
        """All entries of any list of the API, such as `/v1/credits/transfers`. Reads page by page."""
        return self._items(Page[dict[str, Any]], path, params or {})

    def events(self, generation_id: str, *, after: str | None = None) -> AsyncIterator[Event]:
        """The events of a generation, from the first or from the one after `after`, to the end."""
        return follow(self._link, f"/v1/generations/{generation_id}/events", after=after)

    def all_events(self, *, after: str | None = None) -> AsyncIterator[Event]:
        """The events of all generations, without an end. Keep the `id` of the last one, and go on with `after`."""
        return follow(self._link, "/v1/events", after=after, is_endless=True)

    async def cancel(self, generation_id: str) -> Generation:
        """Cancel a generation. `wait` for its end: a provider may have to stop first."""
        return await self._post(Generation, f"/v1/generations/{generation_id}/cancel")

    async def retry(self, generation_id: str, *, idempotency_key: str | None = None) -> Generation:
        """Order the same once more; the new generation."""
        path = f"/v1/generations/{generation_id}/retry"
        return await self._post(Generation, path, headers=_key(idempotency_key))

    async def continue_preview(self, generation_id: str, *, idempotency_key: str | None = None) -> Generation:
        """Make the video of a preview that is completed; the video. A preview has one: a second call returns it."""
        path = f"/v1/generations/{generation_id}/continue"
        return await self._post(Generation, path, headers=_key(idempotency_key))

    async def delete(self, generation_id: str) -> None:
        """Delete a generation that has ended, with its files and texts, for ever."""
        await send(self._link, Request("DELETE", f"/v1/generations/{generation_id}"))

    async def estimate(self, prompt: str, **order: Unpack[Outputs]) -> Estimate:
        """The price and the usual time of an order."""
        return await self._post(Estimate, "/v1/estimate", {"prompt": prompt, **order})

    async def queue(self) -> Queue:
        """Your unfinished generations by model, before and at the providers."""
        return await self._get(Queue, "/v1/queue")

    async def order_batch(
        self,
        requests: Sequence[Item] = (),
        *,
        prompts: Sequence[str] = (),
        seeds: Sequence[int] = (),
        request: Item | None = None,
        idempotency_key: str | None = None,
    ) -> Batch:
        """Order several generations together: all of them are accepted, or none.

        Args:
            requests: one generation for each. Each request has its fields.
            prompts: one generation for each prompt, with the fields of `request`.
            seeds: one generation for each seed, with the fields of `request`.
            request: the shared fields.
            idempotency_key: the same key and order give the same batch. Default: a new key.
        """
        fields = {"requests": requests, "prompts": prompts, "seeds": seeds, "request": request}
        body = {name: value for name, value in fields.items() if value}
        return await self._post(Batch, "/v1/batches", body, _key(idempotency_key))

    async def batch(self, batch_id: str) -> Batch:
        """A batch as it is now, with all its generations."""
        return await self._get(Batch, f"/v1/batches/{batch_id}")

    async def wait_for_batch(self, batch_id: str, *, timeout: float | None = None) -> Batch:
        """The batch after the end of all its generations. Raises `WaitTimeout` after `timeout` seconds."""
        return await wait_for_batch(self._link, batch_id, Deadline(timeout))

    async def cancel_batch(self, batch_id: str) -> Batch:
        """Cancel the generations of a batch that have not ended."""
        return await self._post(Batch, f"/v1/batches/{batch_id}/cancel")

    async def upload(self, source: Source) -> Upload:
        """Store a file, given as bytes, a path or an open file. Orders name it by its `url`."""
        response = await send(self._link, Request("POST", "/v1/uploads", content=await read(self._link, source)))
        return Upload.model_validate_json(response.content)

    async def download(self, generation_id: str, target: str | Path) -> Path:
        """Write the result to a file, or into a folder under its id; the path. The bytes are checked.

        After a lost connection the download goes on, and so does a later call for the same target.
        """
        return await download(self._link, generation_id, Path(target))

    async def content(self, generation_id: str, *, variant: str | None = None) -> bytes:
        """The bytes of the result, or of the variant with this name, in memory.

        Of a variant that is `hls` or `sprites`: the text that leads into its media.
        """
        params = {} if variant is None else {"variant": variant}
        return (await send(self._link, Request("GET", content_of(generation_id), params=params))).content

    async def share(self, generation_id: str, *, expires_in: int | None = None) -> Share:
        """Make a public link to a result, which ends after so many seconds."""
        body = {} if expires_in is None else {"expires_in": expires_in}
        path = f"/v1/generations/{generation_id}/shares"
        response = await send(self._link, Request("POST", path, json=body, is_repeatable=False))
        return Share.model_validate_json(response.content)

    async def me(self) -> Me:
        """The customer for whom the key acts, and the credits."""
        return await self._get(Me, "/v1/me")

    async def models(self) -> list[ModelInfo]:
        """The models that the customer can order."""
        return (await self._get(Page[ModelInfo], "/v1/models")).data

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send any request of the API; the JSON of the answer. Only GET, PUT and DELETE are repeated by themselves."""
        is_repeatable = method.upper() in ("GET", "HEAD", "PUT", "DELETE")
        request = Request(
            method, path, params=params or {}, headers=headers or {}, json=json, is_repeatable=is_repeatable
        )
        response = await send(self._link, request)
        return response.json() if response.content else None

    async def _get(self, kind: type[M], path: str, params: Mapping[str, Any] | None = None) -> M:
        response = await send(self._link, Request("GET", path, params=params or {}))
        return kind.model_validate_json(response.content)

    async def _post(self, kind: type[M], path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> M:
        response = await send(self._link, Request("POST", path, json=body, headers=headers or {}))
        return kind.model_validate_json(response.content)

    async def _items(self, kind: type[Page[T]], path: str, filters: Mapping[str, Any]) -> AsyncIterator[T]:
        params = dict(filters)
        while True:
            page = await self._get(kind, path, params)
            for item in page.data:
                yield item
            if not page.has_more:
                return
            params["cursor"] = page.next_cursor


def _key(idempotency_key: str | None) -> dict[str, str]:
    """The header that makes an order repeatable."""
    return {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
