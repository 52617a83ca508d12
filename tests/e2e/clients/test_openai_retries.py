"""The official client sends an order again by itself, without a key. The customer pays for one generation."""

import base64
from collections.abc import Callable

import pytest
from openai.types import Video

from tests.contract.raw_server import Answer, RawServer, http
from tests.e2e.clients.conftest import AT_ONCE_MS, Buyer, NewClient
from tests.e2e.clients.relays import (
    cut_after_the_answer,
    passed_on,
    unavailable_after_the_answer,
)
from tests.e2e.clients.waiting_orders import sent_again_while_it_is_taken
from tests.media_files.images import png

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning"),
]

RETRIES = "x-stainless-retry-count"


def retries(relay: RawServer) -> list[str | None]:
    """The number of each attempt, as the client tells it."""
    return [request.headers.get(RETRIES) for request in relay.requests]


def price_of(video: Video) -> int:
    """The price of a video in credits, which only our answers have."""
    return int((video.model_extra or {})["credits"])


@pytest.mark.parametrize("trouble", [cut_after_the_answer, unavailable_after_the_answer])
def test_video_is_ordered_once_when_its_answer_is_lost(
    buyer: Buyer, new_client: NewClient, relay: RawServer, trouble: Callable[[str], Answer]
) -> None:
    gateway = buyer.system.stack.gateway_url
    relay.will(trouble(gateway), passed_on(gateway))
    # The size of a video whose picture decides is `auto` until its end.
    client = new_client(buyer.customer.api_key, url=relay.url, _strict_response_validation=False)
    first = ("first.png", png(640, 360), "image/png")
    video = client.videos.create(prompt=buyer.prompt, seconds="4", input_reference=first)

    assert retries(relay) == ["0", "1"]
    assert buyer.videos() == [video.id]
    done = buyer.open_to_sizes(new_client).videos.poll(video.id, poll_interval_ms=AT_ONCE_MS)
    assert done.status == "completed", done.error
    assert buyer.has_paid_once(price_of(video))
    assert buyer.system.sandbox.requests(buyer.word).accepted == 1


def test_image_is_ordered_once_when_its_answer_is_lost(buyer: Buyer, new_client: NewClient, relay: RawServer) -> None:
    gateway = buyer.system.stack.gateway_url
    relay.will(cut_after_the_answer(gateway), passed_on(gateway))
    client = new_client(buyer.customer.api_key, url=relay.url)
    made = client.images.generate(model="nano-banana", prompt=buyer.prompt)

    assert retries(relay) == ["0", "1"]
    assert made.data
    assert base64.b64decode(made.data[0].b64_json or "").startswith(b"\x89PNG")
    assert buyer.has_paid_once(4)
    assert buyer.system.sandbox.requests(buyer.word).accepted == 1


def test_retry_that_comes_while_the_first_attempt_is_taken_gets_its_video(
    buyer: Buyer, new_client: NewClient, relay: RawServer
) -> None:
    client = new_client(buyer.customer.api_key, url=relay.url)
    video = sent_again_while_it_is_taken(buyer, relay, lambda: client.videos.create(prompt=buyer.prompt))

    assert retries(relay) == ["0", "1"]
    assert buyer.videos() == [video.id]
    buyer.client.videos.poll(video.id, poll_interval_ms=AT_ONCE_MS)
    assert buyer.has_paid_once(price_of(video))


def test_client_repeats_what_the_gateway_never_received(buyer: Buyer, new_client: NewClient, relay: RawServer) -> None:
    gateway = buyer.system.stack.gateway_url
    relay.will(http(503), passed_on(gateway))
    video = new_client(buyer.customer.api_key, url=relay.url).videos.create(prompt=buyer.prompt)
    assert buyer.videos() == [video.id]
    buyer.client.videos.poll(video.id, poll_interval_ms=AT_ONCE_MS)
    assert buyer.has_paid_once(price_of(video))


def test_equal_orders_of_a_customer_are_two_videos(buyer: Buyer) -> None:
    ids = [buyer.client.videos.create(prompt=buyer.prompt).id for _ in range(2)]
    assert buyer.videos() == ids[::-1]
    for video_id in ids:
        buyer.client.videos.poll(video_id, poll_interval_ms=AT_ONCE_MS)
