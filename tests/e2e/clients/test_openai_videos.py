"""The official client for Python makes, lists, fetches and deletes videos."""

import io

import av
import openai
import pytest

from tests.e2e.clients.conftest import AT_ONCE_MS, Buyer, NewClient
from tests.media_files.images import png

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning"),
]


def test_video_is_ordered_polled_and_fetched(buyer: Buyer) -> None:
    videos = buyer.client.videos
    video = videos.create_and_poll(model="sora-2", prompt=buyer.prompt, seconds="4", size="1280x720")
    assert (video.status, video.progress, video.error, video.seconds) == ("completed", 100, None, "4")
    assert (video.model, video.prompt) == ("kling-3.0-video", buyer.prompt)
    assert video.completed_at is not None
    assert video.completed_at >= video.created_at

    whole = videos.download_content(video.id)
    with av.open(io.BytesIO(whole.read()), mode="r") as container:
        assert f"{container.streams.video[0].width}x{container.streams.video[0].height}" == video.size
    assert whole.response.headers["content-type"] == "video/mp4"
    part = videos.download_content(video.id, extra_headers={"Range": "bytes=4-7"}).read()
    assert part == b"ftyp"


def test_each_variant_is_a_file_or_a_clear_error(buyer: Buyer) -> None:
    videos = buyer.client.videos
    video = videos.create_and_poll(prompt=buyer.prompt, poll_interval_ms=AT_ONCE_MS)
    assert videos.download_content(video.id, variant="video").read()[4:8] == b"ftyp"
    still = videos.download_content(video.id, variant="thumbnail")
    assert still.response.headers["content-type"].startswith("image/")
    with pytest.raises(openai.NotFoundError, match="has no variant 'sprites': none was ordered"):
        videos.download_content(video.id, variant="spritesheet")


def test_video_begins_with_a_file(buyer: Buyer, new_client: NewClient) -> None:
    first = ("first.png", png(640, 360), "image/png")
    client = buyer.open_to_sizes(new_client)
    video = client.videos.create(prompt=buyer.prompt, input_reference=first)
    done = client.videos.poll(video.id, poll_interval_ms=AT_ONCE_MS)
    assert done.status == "completed", done.error
    (order,) = buyer.system.http.get("/v1/generations", headers=buyer.customer.headers).json()["data"]
    (url,) = order["inputs"]["image_urls"]
    assert url.startswith("upload:")


def test_video_begins_with_a_picture_that_was_made_here(buyer: Buyer, new_client: NewClient) -> None:
    client = buyer.open_to_sizes(new_client)
    image = client.images.generate(model="nano-banana", prompt=buyer.prompt, response_format="url")
    assert image.data
    # The client's types allow a link for `input_reference`, but its form takes only a file: links are sent as JSON.
    video = client.videos.create(
        prompt=buyer.prompt,
        extra_body={"input_reference": {"image_url": image.data[0].url}},
        extra_headers={"Content-Type": "application/json"},
    )
    done = client.videos.poll(video.id, poll_interval_ms=AT_ONCE_MS)
    assert done.status == "completed", done.error


def test_videos_are_listed_page_after_page(buyer: Buyer) -> None:
    videos = buyer.client.videos
    ids = [videos.create(prompt=buyer.prompt).id for _ in range(3)]
    first = videos.list(limit=2)
    assert first.has_next_page()
    second = first.get_next_page()
    assert [[video.id for video in page.data] for page in (first, second)] == [ids[:0:-1], ids[:1]]
    assert not second.has_next_page()
    assert [video.id for video in videos.list(limit=1, order="asc")] == ids
    for video_id in ids:
        videos.poll(video_id, poll_interval_ms=AT_ONCE_MS)


def test_deleted_video_is_gone(buyer: Buyer) -> None:
    videos = buyer.client.videos
    video = videos.create_and_poll(prompt=buyer.prompt, poll_interval_ms=AT_ONCE_MS)
    deleted = videos.delete(video.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (video.id, True, "video.deleted")
    for call in (videos.retrieve, videos.download_content):
        with pytest.raises(openai.NotFoundError):
            call(video.id)
    assert buyer.videos() == []


def test_failed_video_has_its_reason_and_costs_nothing(buyer: Buyer) -> None:
    word = buyer.system.behave(outcome="fail", fail_code="400", fail_msg="the prompt breaks the rules")
    video = buyer.client.videos.create_and_poll(prompt=word, poll_interval_ms=AT_ONCE_MS)
    assert video.status == "failed"
    assert video.error is not None
    assert (bool(video.error.code), bool(video.error.message)) == (True, True)
    assert buyer.system.balance(buyer.customer) == (1000, 0)
