"""OpenAI's own client makes videos with the whole system."""

from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI

from tests.e2e.conftest import System
from tests.media_files.images import png

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")


@pytest.fixture
def client(system: System) -> Iterator[OpenAI]:
    address = f"{system.stack.gateway_url}/openai/v1"
    with OpenAI(api_key=system.customer(1000).api_key, base_url=address, max_retries=0) as made:
        yield made


def test_the_official_client_makes_reads_and_deletes_a_video(system: System, client: OpenAI) -> None:
    word = system.behave(delivered={"width": 64, "height": 64, "duration_seconds": 1})
    video = client.videos.create_and_poll(
        model="sora-2", prompt=f"a boat {word}", seconds="4", input_reference=("a.png", png(64, 64), "image/png")
    )
    assert (video.status, video.error, video.seconds, video.size) == ("completed", None, "4", "64x64")
    assert (video.model, system.sandbox.requests(word).accepted) == ("kling-3.0-video", 1)

    film = client.videos.download_content(video.id)
    assert (film.read()[4:8], film.response.headers["content-type"]) == (b"ftyp", "video/mp4")
    assert client.videos.download_content(video.id, variant="thumbnail").read()[:2] == b"\xff\xd8"
    with pytest.raises(openai.NotFoundError, match="has no variant 'sprites': none was ordered"):
        client.videos.download_content(video.id, variant="spritesheet")

    assert [each.id for each in client.videos.list(limit=1)] == [video.id]
    gone = client.videos.delete(video.id)
    assert (gone.id, gone.deleted, gone.object) == (video.id, True, "video.deleted")
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)


def test_a_refused_video_is_an_error_that_the_client_does_not_repeat(system: System) -> None:
    poor = OpenAI(api_key=system.customer(1).api_key, base_url=f"{system.stack.gateway_url}/openai/v1")
    word = system.behave()
    with poor, pytest.raises(openai.APIStatusError) as refused:
        poor.videos.create(prompt=f"a boat {word}")
    assert (refused.value.status_code, refused.value.code) == (402, "insufficient_credits")
    assert system.sandbox.requests(word).accepted == 0
