"""The Redis door: orders and events without HTTP. Needs the package redis: `pip install reelworks-client[redis]`."""

import hashlib
import hmac
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Self, Unpack

import redis
import redis.asyncio

from reelworks_client._calls import POLL, Deadline, Retries
from reelworks_client._io import blocking, iterating
from reelworks_client._redis import BLOCK_SECONDS, LOST, AwaitingRedisIO, BlockingRedisIO, Entries, RedisIO
from reelworks_client.door_models import AcceptedBatch, AcceptedOrder, DoorState
from reelworks_client.errors import ApiError, ConnectionFailed, NoAnswer, WaitTimeout
from reelworks_client.models import Estimate, Generation, Notification
from reelworks_client.orders import Item, Order, Outputs

REQUESTS: Final = "requests"
"""The list that takes requests."""

ANSWERS: Final = "reelworks:answers:"
"""How the names of lists with answers begin."""

STATE: Final = "reelworks:door"
"""The key with the state of the door."""

EVENTS: Final = "reelworks:events"
"""The stream of the events of all customers. A customer's own is `reelworks:events:CUSTOMER_ID`."""

TIMEOUT: Final = 30.0
"""Seconds to wait for an answer."""

RETRY_FOR: Final = 60.0
"""Seconds for which a request is repeated."""

_MOMENT: Final = 0.1
_REMEMBERED: Final = 10_000
_KEY_PREFIX: Final = re.compile(r"rw_(?:test_)?.{5}")


class DoorOperations:
    """The requests of the Redis door, as coroutines. `RedisDoor` and `AsyncRedisDoor` have these methods."""

    def __init__(self, io: RedisIO, api_key: str | None, timeout: float, retry_for: float) -> None:
        self._io = io
        self._api_key = api_key
        self._timeout = timeout
        self._retry_for = retry_for

    async def order(
        self, customer_id: str, prompt: str, *, idempotency_key: str | None = None, **order: Unpack[Order]
    ) -> AcceptedOrder:
        """Order an image or a video for a customer; the accepted order.

        Args:
            customer_id: the customer who pays.
            prompt: the description.
            idempotency_key: the same key and order give the same generation. Default: a new key.
            order: the fields of `Order`, such as `model`.
        """
        answer = await self._order("generation.enqueue", customer_id, {"prompt": prompt, **order}, idempotency_key)
        return AcceptedOrder.model_validate(answer)

    async def order_batch(
        self,
        customer_id: str,
        requests: Sequence[Item] = (),
        *,
        prompts: Sequence[str] = (),
        seeds: Sequence[int] = (),
        request: Item | None = None,
        idempotency_key: str | None = None,
    ) -> AcceptedBatch:
        """Order several generations together, in the forms of `Client.order_batch`."""
        fields = {"requests": requests, "prompts": prompts, "seeds": seeds, "request": request}
        body = {name: value for name, value in fields.items() if value}
        answer = await self._order("batch.enqueue", customer_id, body, idempotency_key)
        return AcceptedBatch.model_validate(answer)

    async def continue_preview(
        self, customer_id: str, generation_id: str, *, idempotency_key: str | None = None
    ) -> AcceptedOrder:
        """Make the video of a preview that is completed. A preview has one: a second call returns it."""
        arguments = {"customer_id": customer_id, "generation_id": generation_id}
        if idempotency_key is not None:
            arguments["idempotency_key"] = idempotency_key
        return AcceptedOrder.model_validate(await self.ask("generation.continue", arguments))

    async def estimate(self, customer_id: str, prompt: str, **order: Unpack[Outputs]) -> Estimate:
        """The price and the usual time of an order."""
        arguments = {"customer_id": customer_id, "request": {"prompt": prompt, **order}}
        return Estimate.model_validate(await self.ask("generation.estimate", arguments))

    async def generation(self, customer_id: str, generation_id: str) -> Generation:
        """A generation as it is now."""
        arguments = {"customer_id": customer_id, "generation_id": generation_id}
        return Generation.model_validate(await self.ask("generation.get", arguments))

    async def wait(self, customer_id: str, generation_id: str, *, timeout: float | None = None) -> Generation:
        """The generation after its end. Raises `WaitTimeout`. For many generations, read `notifications`."""
        deadline = Deadline(timeout)
        while not (generation := await self.generation(customer_id, generation_id)).has_ended:
            if not deadline.remaining:
                raise WaitTimeout(generation_id, timeout)
            await self._io.pause(min(POLL, deadline.remaining))
        return generation

    async def cancel(self, customer_id: str, generation_id: str) -> Generation:
        """Cancel a generation. `wait` for its end: a provider may have to stop first."""
        arguments = {"customer_id": customer_id, "generation_id": generation_id}
        return Generation.model_validate(await self.ask("generation.cancel", arguments))

    async def state(self) -> DoorState | None:
        """How many requests wait, and whether orders are taken. None: no process serves the door."""
        found = await self._io.ask("get", STATE)
        return DoorState.model_validate_json(found) if found else None

    async def ask(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Send any operation; the answer. Raises `ApiError` for a refusal, and `NoAnswer`.

        The same message is sent again after a lost connection: the door serves the id of a message once.
        """
        message_id = str(uuid.uuid4())
        message = self._envelope(message_id, operation, arguments)
        retries = Retries(self._io, self._retry_for)
        while True:
            trouble: ApiError | ConnectionFailed
            try:
                await self._io.ask("lpush", REQUESTS, message)
                answer = await self._answer(message_id)
            except LOST as error:
                trouble = ConnectionFailed(f"Redis: {error}")
            else:
                if answer is None:
                    raise NoAnswer(f"the door did not answer within {self._timeout} seconds", _key_in(arguments))
                # A generation has a member `error`, too.
                if set(answer) != {"error"}:
                    return answer
                trouble = ApiError.of(answer["error"])
            await retries.pause_after(trouble)

    async def notifications(
        self, group: str, consumer: str, *, stream: str = EVENTS, idle_after: float = 60
    ) -> AsyncIterator[Notification]:
        """The events of the stream that no consumer of the group has handled. Never ends.

        An event counts as handled when the program asks for the next one. An event may come again after a crash or an
        outage: its `id` is the same. The group begins with the oldest event of the stream.

        Args:
            group: the name of a service. Each group gets all events.
            consumer: the name of this process. The processes of a group share the events.
            stream: the stream of all customers, or of one.
            idle_after: seconds after which the events of a process that died go to others.
        """
        seen: dict[str, None] = {}
        entries = Entries(self._io, stream, group, consumer, idle_after)
        retries = Retries(self._io, self._retry_for)
        while True:
            try:
                found = await entries.next()
            except LOST as error:
                await retries.pause_after(ConnectionFailed(f"Redis: {error}"))
                continue
            retries = Retries(self._io, self._retry_for)
            for entry_id, fields in found:
                # An entry that the stream has dropped has no fields.
                if fields and entry_id not in seen:
                    yield Notification.model_validate_json(fields["event"])
                    seen[entry_id] = None
                    if len(seen) > _REMEMBERED:
                        del seen[next(iter(seen))]
                await entries.handled(entry_id)

    async def _order(
        self, operation: str, customer_id: str, request: Mapping[str, Any], key: str | None
    ) -> dict[str, Any]:
        fields = {"customer_id": customer_id, "request": request, "idempotency_key": key or str(uuid.uuid4())}
        return await self.ask(operation, fields)

    def _envelope(self, message_id: str, operation: str, arguments: Mapping[str, Any]) -> str:
        envelope: dict[str, Any] = {
            "operation": operation,
            "id": message_id,
            "arguments": arguments,
            "reply_to": {"list": ANSWERS + message_id},
        }
        if self._api_key:
            text = json.dumps(arguments)
            envelope |= {"arguments": text, "signature": signature(self._api_key, operation, message_id, text)}
        return json.dumps(envelope)

    async def _answer(self, message_id: str) -> dict[str, Any] | None:
        deadline = Deadline(self._timeout)
        while deadline.remaining:
            # 0 would mean for ever.
            seconds = max(min(BLOCK_SECONDS, deadline.remaining), _MOMENT)
            if found := await self._io.ask("brpop", [ANSWERS + message_id], timeout=seconds):
                answer: dict[str, Any] = json.loads(found[1])["answer"]
                return answer
        return None


class AsyncRedisDoor(DoorOperations):
    """A client of the Redis door for programs with an event loop."""

    def __init__(
        self, url: str, *, api_key: str | None = None, timeout: float = TIMEOUT, retry_for: float = RETRY_FOR
    ) -> None:
        """Make a client. `RedisDoor` describes the arguments."""
        self._client = redis.asyncio.Redis.from_url(url, decode_responses=True, protocol=2)
        super().__init__(AwaitingRedisIO(self._client), api_key, timeout, retry_for)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class RedisDoor:
    """A client of the Redis door whose methods block."""

    def __init__(
        self, url: str, *, api_key: str | None = None, timeout: float = TIMEOUT, retry_for: float = RETRY_FOR
    ) -> None:
        """Make a client.

        Args:
            url: the address of Redis, such as `redis://orders:PASSWORD@redis.internal:6379/0`.
            api_key: signs the requests. None: the requests have no signature.
            timeout: seconds to wait for an answer. Then `NoAnswer` is raised.
            retry_for: seconds for which a request is repeated, from its first trouble on.
        """
        self._client = redis.Redis.from_url(url, decode_responses=True, protocol=2)
        self.coroutines = DoorOperations(BlockingRedisIO(self._client), api_key, timeout, retry_for)
        """The methods as coroutines that never suspend."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    order = blocking(DoorOperations.order)
    order_batch = blocking(DoorOperations.order_batch)
    continue_preview = blocking(DoorOperations.continue_preview)
    estimate = blocking(DoorOperations.estimate)
    generation = blocking(DoorOperations.generation)
    wait = blocking(DoorOperations.wait)
    cancel = blocking(DoorOperations.cancel)
    state = blocking(DoorOperations.state)
    ask = blocking(DoorOperations.ask)
    notifications = iterating(DoorOperations.notifications)


def signature(api_key: str, operation: str, message_id: str, arguments: str) -> dict[str, str | int]:
    """The signature of a request. `arguments` is their JSON text, which must be sent as it is."""
    now = int(time.time())
    signed = f"{operation}\n{message_id}\n{now}\n{arguments}".encode()
    secret = hashlib.sha256(api_key.encode()).hexdigest().encode()
    known = _KEY_PREFIX.match(api_key)
    return {
        "key": known.group() if known else api_key[:8],
        "timestamp": now,
        "hmac": hmac.new(secret, signed, "sha256").hexdigest(),
    }


def _key_in(arguments: Mapping[str, Any]) -> str | None:
    key = arguments.get("idempotency_key")
    return key if isinstance(key, str) else None
