"""Google's client in its Vertex AI mode: the sandbox takes its requests, and it can read the answers."""

import base64
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from stack.ports import free_port
from tests.sandbox.harness import KEY, PATIENCE_SECONDS, VEO, VERTEX_PROJECT, start_sandbox

MP4 = b"ftyp"
# One pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    port = free_port()
    process = start_sandbox(port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def word(sandbox_url: str) -> str:
    """A word in every prompt. Its scenario makes files small."""
    word = uuid4().hex
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        small = Delivered(width=64, height=64, duration_seconds=1)
        sandbox.add_scenario(Scenario(match=Match(prompt_contains=word), delivered=small))
    return word


@pytest.fixture
def client(sandbox_url: str) -> Iterator[genai.Client]:
    # trust_env: no proxy of the environment between client and sandbox.
    options = types.HttpOptions(
        base_url=f"{sandbox_url}/vertex/", client_args={"trust_env": False}, timeout=1000 * PATIENCE_SECONDS
    )
    credentials = Credentials(token=KEY)  # type: ignore[no-untyped-call]
    with genai.Client(
        vertexai=True, project=VERTEX_PROJECT, location="us-central1", credentials=credentials, http_options=options
    ) as client:
        yield client


def finished(client: genai.Client, operation: types.GenerateVideosOperation) -> types.Video:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not operation.done:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
        operation = client.operations.get(operation)
    assert operation.error is None
    assert operation.response is not None
    assert operation.response.generated_videos is not None
    video = operation.response.generated_videos[0].video
    assert video is not None
    return video


def generate(
    client: genai.Client, source: types.GenerateVideosSource, **config: object
) -> types.GenerateVideosOperation:
    wanted = types.GenerateVideosConfig.model_validate(config)
    return client.models.generate_videos(model=VEO, source=source, config=wanted)


def test_every_setting_of_the_client_is_accepted_and_the_video_is_in_the_answer(
    client: genai.Client, word: str
) -> None:
    operation = generate(
        client,
        types.GenerateVideosSource(prompt=f"a boat {word}"),
        number_of_videos=1,
        fps=24,
        duration_seconds=6,
        seed=7,
        aspect_ratio="9:16",
        resolution="1080p",
        person_generation="allow_adult",
        pubsub_topic="projects/films/topics/veo",
        negative_prompt="haze",
        enhance_prompt=True,
        generate_audio=True,
        compression_quality=types.VideoCompressionQuality.LOSSLESS,
        labels={"team": "films"},
        resize_mode=types.ImageResizeMode.CROP,
    )
    assert operation.name is not None
    assert operation.name.startswith(f"projects/{VERTEX_PROJECT}/locations/us-central1/publishers/google/models/{VEO}")
    assert not operation.done
    video = finished(client, operation)
    assert (video.uri, video.mime_type) == (None, "video/mp4")
    assert video.video_bytes is not None
    assert video.video_bytes[4:8] == MP4


def test_video_in_a_bucket_can_be_extended(client: genai.Client, word: str) -> None:
    boat = types.GenerateVideosSource(prompt=f"a boat {word}")
    video = finished(client, generate(client, boat, output_gcs_uri="gs://films/veo"))
    assert video.video_bytes is None
    assert video.uri is not None
    assert video.uri.startswith("gs://films/veo/")
    more = types.GenerateVideosSource(prompt=f"it sinks {word}", video=video)
    assert finished(client, generate(client, more, duration_seconds=7)).video_bytes


def test_pictures_are_frames_or_references(client: genai.Client, word: str, sandbox_url: str) -> None:
    picture = types.Image(image_bytes=PNG, mime_type="image/png")
    frames = types.GenerateVideosSource(prompt=f"a boat {word}", image=picture)
    assert finished(client, generate(client, frames, last_frame=picture)).video_bytes
    reference = types.VideoGenerationReferenceImage(
        image=picture, reference_type=types.VideoGenerationReferenceType.ASSET
    )
    alone = types.GenerateVideosSource(prompt=f"a boat {word}")
    assert finished(client, generate(client, alone, reference_images=[reference])).video_bytes


def test_video_that_the_safety_filter_removes_has_a_reason(client: genai.Client, word: str, sandbox_url: str) -> None:
    with SandboxClient(sandbox_url) as sandbox:
        filtered = Scenario(match=Match(prompt_contains=word), outcome="fail", fail_code="rai", fail_msg="A child.")
        sandbox.add_scenario(filtered)
    operation = generate(client, types.GenerateVideosSource(prompt=word))
    while not operation.done:
        operation = client.operations.get(operation)
    assert operation.response is not None
    assert operation.response.generated_videos is None
    assert operation.response.rai_media_filtered_count == 1
    assert operation.response.rai_media_filtered_reasons == ["A child."]


def test_refusals_have_googles_codes(client: genai.Client, word: str) -> None:
    with pytest.raises(errors.ClientError) as caught:
        generate(client, types.GenerateVideosSource(prompt=word), duration_seconds=5)
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    with pytest.raises(errors.ClientError) as caught:
        client.operations.get(
            types.GenerateVideosOperation.model_validate(
                {"name": f"projects/{VERTEX_PROJECT}/locations/us-central1/publishers/google/models/{VEO}/operations/1"}
            )
        )
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


def test_cached_contents_are_empty(client: genai.Client) -> None:
    assert list(client.caches.list()) == []
