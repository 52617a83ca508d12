"""OpenAI's client with the sandbox as its base URL. The client refuses every answer that does not match its types."""

from collections.abc import Callable, Iterator

import httpx
import openai
import pytest
from openai import OpenAI

from sandbox.scenarios import ErrorReply
from tests.sandbox.harness import KEY
from tests.sdks.conftest import Asked, Rig

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

LONG = 3600
AT_ONCE_MS = 20


@pytest.fixture
def new_client(sandbox_url: str) -> Iterator[Callable[..., OpenAI]]:
    clients: list[OpenAI] = []

    def make(*, api_key: str = KEY, max_retries: int = 0) -> OpenAI:
        client = OpenAI(
            api_key=api_key,
            base_url=f"{sandbox_url}/openai_videos",
            max_retries=max_retries,
            _strict_response_validation=True,
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(new_client: Callable[..., OpenAI]) -> OpenAI:
    return new_client()


def make_video(client: OpenAI, rig: Rig) -> str:
    """The id of a finished video."""
    video = client.videos.create_and_poll(prompt=rig.prompt, poll_interval_ms=AT_ONCE_MS)
    assert video.status == "completed"
    return video.id


def told(error: openai.APIStatusError) -> tuple[int, str | None, str | None]:
    """The parts of an error that the client reads: HTTP status, type and parameter."""
    return error.status_code, error.type, error.param


def test_video_is_made_and_its_bytes_are_fetched(client: OpenAI, rig: Rig) -> None:
    video = client.videos.create_and_poll(
        model="sora-2", prompt=rig.prompt, seconds="8", size="1280x720", poll_interval_ms=AT_ONCE_MS
    )
    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert (video.model, video.seconds, video.size, video.prompt) == ("sora-2", "8", "1280x720", rig.prompt)
    assert video.completed_at is not None
    assert video.completed_at >= video.created_at

    whole = client.videos.download_content(video.id).read()
    assert whole[4:8] == b"ftyp"
    with client.videos.with_streaming_response.download_content(video.id, variant="video") as answer:
        assert answer.headers["Content-Type"] == "video/mp4"
        assert b"".join(answer.iter_bytes()) == whole


def test_video_begins_with_an_uploaded_picture(client: OpenAI, rig: Rig, picture: str) -> None:
    first = httpx.get(picture).content
    video = client.videos.create(prompt=rig.prompt, input_reference=("first.png", first, "image/png"))
    assert client.videos.poll(video.id, poll_interval_ms=AT_ONCE_MS).status == "completed"
    with pytest.raises(openai.BadRequestError) as refused:
        client.videos.create(prompt=rig.prompt, input_reference=b"no picture")
    assert told(refused.value) == (400, "invalid_request_error", "input_reference")


def test_video_begins_with_a_picture_from_a_link(client: OpenAI, rig: Rig, picture: str) -> None:
    # The client's types allow a link for `input_reference`, but its form takes only a file: links are sent as JSON.
    video = client.videos.create(
        prompt=rig.prompt,
        extra_body={"input_reference": {"image_url": picture}},
        extra_headers={"Content-Type": "application/json"},
    )
    assert client.videos.poll(video.id, poll_interval_ms=AT_ONCE_MS).status == "completed"


def test_failure_has_its_reason(client: OpenAI, rig: Rig) -> None:
    rig.behave(outcome="fail", fail_code="moderation_blocked", fail_msg="Your request was blocked")
    video = client.videos.create_and_poll(prompt=rig.prompt, poll_interval_ms=AT_ONCE_MS)
    assert video.status == "failed"
    assert video.error is not None
    assert (video.error.code, video.error.message) == ("moderation_blocked", "Your request was blocked")
    with pytest.raises(openai.NotFoundError, match="not ready"):
        client.videos.download_content(video.id)


def test_videos_are_listed_page_after_page(client: OpenAI, rig: Rig) -> None:
    rig.behave(seconds=LONG)
    ids = [client.videos.create(prompt=rig.prompt).id for _ in range(3)]
    page = client.videos.list(limit=2)
    assert [video.id for video in page.data] == ids[:0:-1]
    assert page.has_next_page()
    assert [video.id for video in client.videos.list(limit=2)] == ids[::-1]
    assert [video.id for video in client.videos.list(order="asc", after=ids[0])] == ids[1:]
    assert {video.status for video in page.data} <= {"queued", "in_progress"}


@pytest.mark.parametrize(
    ("query", "param"), [({"limit": 101}, "limit"), ({"limit": "many"}, "limit"), ({"order": "random"}, "order")]
)
def test_invalid_page_is_refused(client: OpenAI, rig: Rig, query: dict[str, object], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.videos.list(extra_query=query)
    assert told(refused.value) == (400, "invalid_request_error", param)


def test_deleted_video_is_gone(client: OpenAI, rig: Rig) -> None:
    video_id = make_video(client, rig)
    deleted = client.videos.delete(video_id)
    assert (deleted.id, deleted.deleted, deleted.object) == (video_id, True, "video.deleted")
    for call in (client.videos.retrieve, client.videos.download_content, client.videos.delete):
        with pytest.raises(openai.NotFoundError) as refused:
            call(video_id)
        assert told(refused.value) == (404, "invalid_request_error", "video_id")
    assert client.videos.list().data == []


def test_open_video_cannot_be_deleted(client: OpenAI, rig: Rig) -> None:
    rig.behave(seconds=LONG)
    video = client.videos.create(prompt=rig.prompt)
    with pytest.raises(openai.BadRequestError, match="queued"):
        client.videos.delete(video.id)
    assert client.videos.retrieve(video.id).status == "queued"


def test_wrong_key_is_refused_everywhere(client: OpenAI, new_client: Callable[..., OpenAI], rig: Rig) -> None:
    video_id = make_video(client, rig)
    stranger = new_client(api_key="sk-wrong")
    for call in (
        lambda: stranger.videos.create(prompt=rig.prompt),
        lambda: stranger.videos.retrieve(video_id),
        lambda: stranger.videos.list(),
        lambda: stranger.videos.list(extra_query={"limit": "many"}),
        lambda: stranger.videos.download_content(video_id),
        lambda: stranger.videos.delete(video_id),
        lambda: stranger.videos.remix(video_id, prompt=rig.prompt),
    ):
        with pytest.raises(openai.AuthenticationError) as refused:
            call()
        assert refused.value.code == "invalid_api_key"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seconds": "5"}, "seconds"),
        ({"size": "10x10"}, "size"),
        ({"prompt": ""}, "prompt"),
        ({"model": "nobody"}, "model"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_field_is_refused_by_name(client: OpenAI, rig: Rig, fields: dict[str, str], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.videos.create(prompt=rig.prompt, extra_body=fields)
    assert told(refused.value) == (400, "invalid_request_error", param)


def test_client_waits_for_the_rate_limit(client: OpenAI, new_client: Callable[..., OpenAI], rig: Rig) -> None:
    rig.behave(seconds=LONG, create_error=ErrorReply(code=429, msg="Rate limit reached"), create_error_times=2)
    with pytest.raises(openai.RateLimitError) as refused:
        client.videos.create(prompt=rig.prompt)
    assert told(refused.value) == (429, "rate_limit_error", None)
    assert new_client(max_retries=1).videos.create(prompt=rig.prompt).status == "queued"
    requests = rig.sandbox.requests(rig.word)
    assert (requests.accepted, requests.refused) == (1, 2)


def test_pause_is_in_both_headers_that_the_client_reads(client: OpenAI, rig: Rig) -> None:
    rig.behave(create_error=ErrorReply(code=429, msg="Rate limit reached", retry_after=3))
    with pytest.raises(openai.RateLimitError) as refused:
        client.videos.create(prompt=rig.prompt)
    headers = refused.value.response.headers
    assert (headers["retry-after-ms"], headers["retry-after"]) == ("3000", "3")


def test_server_error_and_lost_answer_raise_different_errors(client: OpenAI, rig: Rig) -> None:
    rig.behave(create_error=ErrorReply(code=500, msg="Sorry"))
    with pytest.raises(openai.InternalServerError) as failed:
        client.videos.create(prompt=rig.prompt)
    assert told(failed.value) == (500, "server_error", None)
    rig.behave(create_reply="drop")
    with pytest.raises(openai.APIConnectionError):
        client.videos.create(prompt=rig.prompt)


def test_missing_endpoints_are_refused_with_the_wires_own_errors(client: OpenAI, rig: Rig) -> None:
    video_id = make_video(client, rig)
    for call in (
        lambda: client.videos.remix(video_id, prompt=rig.prompt),
        lambda: client.videos.edit(video=b"a video", prompt=rig.prompt),
        lambda: client.videos.extend(video=b"a video", prompt=rig.prompt, seconds="4"),
        lambda: client.videos.get_character("character_1"),
    ):
        with pytest.raises(openai.NotFoundError) as refused:
            call()
        assert told(refused.value) == (404, "invalid_request_error", None)
    with pytest.raises(openai.BadRequestError) as no_thumbnail:
        client.videos.download_content(video_id, variant="thumbnail")
    assert no_thumbnail.value.param == "variant"


def test_adapter_sends_the_same_request_as_the_client(client: OpenAI, rig: Rig, asked: Asked) -> None:
    asked.by_us("openai_videos", "openai-compatible-video", aspect_ratio="9:16", duration_seconds=12)
    client.videos.create(model="sora-2", prompt=rig.prompt, seconds="12", size="720x1280")
    assert asked.is_the_same()
