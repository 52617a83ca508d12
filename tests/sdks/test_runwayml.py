"""Runway's client with the sandbox as its base URL. The client refuses every answer that does not match its types."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest
import runwayml
from runwayml import AsyncRunwayML, RunwayML, TaskFailedError
from runwayml.types.task_retrieve_response import Cancelled, Failed, Pending, Running, Succeeded, Throttled

from sandbox.scenarios import Delivered, ErrorReply
from tests.sandbox.harness import KEY, eventually
from tests.sdks.conftest import Asked, Rig

LONG = 3600
OPEN = (Throttled, Pending, Running)


@pytest.fixture
def new_client(sandbox_url: str) -> Iterator[Callable[..., RunwayML]]:
    clients: list[RunwayML] = []

    def make(*, api_key: str = KEY, max_retries: int = 0, version: str | None = None) -> RunwayML:
        client = RunwayML(
            api_key=api_key,
            base_url=f"{sandbox_url}/runway",
            max_retries=max_retries,
            runway_version=version,
            _strict_response_validation=True,
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(new_client: Callable[..., RunwayML]) -> RunwayML:
    return new_client()


def create_image(client: RunwayML, rig: Rig) -> str:
    return client.text_to_image.create(model="gen4_image", prompt_text=rig.prompt, ratio="1280:720").id


def finish(client: RunwayML, task_id: str) -> Succeeded | Failed | Cancelled:
    """The task after its end."""
    while isinstance(task := client.tasks.retrieve(task_id), OPEN):
        pass
    return task


def message(error: runwayml.APIStatusError) -> str:
    """The part of an error's body that the client shows."""
    assert isinstance(error.body, dict)
    assert set(error.body) == {"error"}
    return str(error.body["error"])


def test_picture_is_made_and_its_bytes_are_fetched(
    client: RunwayML, rig: Rig, download: Callable[[str], bytes]
) -> None:
    balance = client.organization.retrieve().credit_balance
    task = finish(client, create_image(client, rig))
    assert isinstance(task, Succeeded)
    (url,) = task.output
    assert download(url).startswith(b"\x89PNG")
    assert client.organization.retrieve().credit_balance == balance - task.cost.credits


def test_picture_is_made_from_references(client: RunwayML, rig: Rig, picture: str) -> None:
    created = client.text_to_image.create(
        model="gen4_image",
        prompt_text=f"@first {rig.word}",
        ratio="1080:1080",
        reference_images=[{"uri": picture, "tag": "first"}],
    )
    assert isinstance(finish(client, created.id), Succeeded)


def test_videos_are_made_from_text_and_from_a_picture(
    client: RunwayML, rig: Rig, picture: str, download: Callable[[str], bytes]
) -> None:
    from_words = client.text_to_video.create(model="gen4.5", prompt_text=rig.prompt, ratio="1280:720", duration=5)
    from_link = client.image_to_video.create(
        model="gen4_turbo", prompt_image=picture, prompt_text=rig.prompt, ratio="960:960", duration=5, seed=1
    )
    from_frames = client.image_to_video.create(
        model="gen4.5",
        prompt_image=[{"uri": picture, "position": "first"}],
        prompt_text=rig.prompt,
        ratio="1584:672",
        duration=2,
        content_moderation={"public_figure_threshold": "low"},
        output_format="mp4",
    )
    for created in (from_words, from_link, from_frames):
        task = finish(client, created.id)
        assert isinstance(task, Succeeded)
        assert download(task.output[0])[4:8] == b"ftyp"


def test_veo_makes_sound_from_text_and_from_two_frames(client: RunwayML, rig: Rig, picture: str) -> None:
    from_words = client.text_to_video.create(model="veo3.1", prompt_text=rig.prompt, ratio="1920:1080", duration=4)
    from_frames = client.image_to_video.create(
        model="veo3.1_fast",
        prompt_text=rig.prompt,
        prompt_image=[{"uri": picture, "position": "first"}, {"uri": picture, "position": "last"}],
        ratio="720:1280",
        audio=False,
        negative_prompt="haze",
    )
    for created, charged in ((from_words, 160), (from_frames, 80)):
        task = finish(client, created.id)
        assert isinstance(task, Succeeded)
        assert task.cost.credits == charged


def test_uploaded_video_is_edited(client: RunwayML, rig: Rig, picture: str, download: Callable[[str], bytes]) -> None:
    rig.behave(delivered=Delivered(width=64, height=64, duration_seconds=3))
    made = client.text_to_video.create(model="gen4.5", prompt_text=rig.prompt, ratio="1280:720", duration=3)
    source = finish(client, made.id)
    assert isinstance(source, Succeeded)
    upload = client.uploads.create_ephemeral(file=("source.mp4", download(source.output[0])))
    changed = client.video_to_video.create(
        model="aleph2",
        prompt_text=rig.prompt,
        video_uri=upload.uri,
        keyframes=[{"uri": picture, "seconds": 1.5}],
        output_format="mp4",
    )
    task = finish(client, changed.id)
    assert isinstance(task, Succeeded)
    assert task.cost.credits == 84


def test_too_small_upload_is_refused(client: RunwayML, rig: Rig) -> None:
    with pytest.raises(runwayml.APIStatusError, match="Upload failed with status 400"):
        client.uploads.create_ephemeral(file=("source.mp4", b"x" * 511))


def test_open_task_is_throttled_or_running(client: RunwayML, rig: Rig) -> None:
    rig.behave(seconds=LONG)
    waiting = client.tasks.retrieve(create_image(client, rig))
    assert isinstance(waiting, Throttled)
    assert waiting.estimated_cost.credits > 0
    rig.behave(seconds=1)

    def is_seen_running() -> bool:
        task_id = create_image(client, rig)
        while isinstance(task := client.tasks.retrieve(task_id), Throttled | Pending):
            pass
        return isinstance(task, Running) and 0 <= task.progress < 1 and task.estimated_cost.credits > 0

    # A slow machine may miss a state.
    eventually(is_seen_running)


def test_failed_task_has_its_code_and_costs_nothing(client: RunwayML, rig: Rig) -> None:
    rig.behave(outcome="fail", fail_code="SAFETY.INPUT.TEXT", fail_msg="Your prompt was refused")
    task = finish(client, create_image(client, rig))
    assert isinstance(task, Failed)
    assert (task.failure_code, task.failure, task.cost.credits) == ("SAFETY.INPUT.TEXT", "Your prompt was refused", 0)


def test_client_waits_for_the_end_of_a_task(client: RunwayML, sandbox_url: str, rig: Rig) -> None:
    # The client reads about every six seconds, without a setting for it. One wait therefore covers all tasks.
    good = client.text_to_image.create(model="gen4_image", prompt_text=rig.prompt, ratio="1280:720")
    rig.behave(outcome="fail", fail_code="INTERNAL.BAD_OUTPUT.CODE01")
    bad = create_image(client, rig)
    rig.behave(seconds=LONG)
    gone = create_image(client, rig)

    async def wait() -> Sequence[object]:
        async with AsyncRunwayML(
            api_key=KEY, base_url=f"{sandbox_url}/runway", max_retries=0, _strict_response_validation=True
        ) as patient:
            good_task, bad_task, gone_task = [await patient.tasks.retrieve(task) for task in (good.id, bad, gone)]
            await patient.tasks.delete(gone)
            return await asyncio.gather(
                asyncio.to_thread(good.wait_for_task_output),
                good_task.wait_for_task_output(),
                bad_task.wait_for_task_output(),
                gone_task.wait_for_task_output(),
                return_exceptions=True,
            )

    *made, failed, missing = asyncio.run(wait())
    assert [task.id for task in made if isinstance(task, Succeeded)] == [good.id, good.id]
    assert isinstance(failed, TaskFailedError)
    assert isinstance(failed.task_details, Failed)
    assert failed.task_details.failure_code == "INTERNAL.BAD_OUTPUT.CODE01"
    assert isinstance(missing, runwayml.NotFoundError)


def test_deleted_task_is_gone_open_or_finished(client: RunwayML, rig: Rig) -> None:
    ended = create_image(client, rig)
    finish(client, ended)
    rig.behave(seconds=LONG)
    for task_id in (ended, create_image(client, rig)):
        client.tasks.delete(task_id)
        for call in (client.tasks.retrieve, client.tasks.delete):
            with pytest.raises(runwayml.NotFoundError) as refused:
                call(task_id)
            assert task_id in message(refused.value)
    assert [task.state for task in rig.sandbox.tasks(rig.word)] == ["success", "cancelled"]


def test_organization_has_credits_limits_and_usage(client: RunwayML, rig: Rig) -> None:
    before = client.organization.retrieve()
    limit = before.tier.models["gen4_image"]
    assert limit.max_daily_generations is not None
    create_image(client, rig)
    after = client.organization.retrieve()
    assert after.credit_balance < before.credit_balance
    assert after.usage.models["gen4_image"].daily_generations == 1


def test_wrong_key_or_version_is_refused(client: RunwayML, new_client: Callable[..., RunwayML], rig: Rig) -> None:
    task_id = create_image(client, rig)
    stranger, ancient = new_client(api_key="key_wrong"), new_client(version="2020-01-01")
    for call in (
        lambda asked: create_image(asked, rig),
        lambda asked: asked.tasks.retrieve(task_id),
        lambda asked: asked.tasks.delete(task_id),
        lambda asked: asked.organization.retrieve(),
    ):
        with pytest.raises(runwayml.AuthenticationError):
            call(stranger)
        with pytest.raises(runwayml.BadRequestError, match="X-Runway-Version"):
            call(ancient)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"ratio": "10:10"}, "ratio"),
        ({"model": "nobody"}, "model"),
        ({"promptText": ""}, "promptText"),
        ({"seed": -1}, "seed"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_field_is_refused_by_name(client: RunwayML, rig: Rig, fields: dict[str, object], word: str) -> None:
    with pytest.raises(runwayml.BadRequestError) as refused:
        client.text_to_image.create(model="gen4_image", prompt_text=rig.prompt, ratio="1280:720", extra_body=fields)
    assert word in message(refused.value)


def test_client_waits_for_the_rate_limit(client: RunwayML, new_client: Callable[..., RunwayML], rig: Rig) -> None:
    rig.behave(create_error=ErrorReply(code=429, msg="Too many requests"), create_error_times=2)
    with pytest.raises(runwayml.RateLimitError) as refused:
        create_image(client, rig)
    assert message(refused.value) == "Too many requests"
    create_image(new_client(max_retries=1), rig)
    requests = rig.sandbox.requests(rig.word)
    assert (requests.accepted, requests.refused) == (1, 2)


def test_server_error_and_lost_answer_raise_different_errors(client: RunwayML, rig: Rig) -> None:
    rig.behave(create_error=ErrorReply(code=502, msg="Bad gateway"))
    with pytest.raises(runwayml.InternalServerError):
        create_image(client, rig)
    rig.behave(create_reply="drop")
    with pytest.raises(runwayml.APIConnectionError):
        create_image(client, rig)


def test_missing_endpoints_are_not_found(client: RunwayML, rig: Rig) -> None:
    with pytest.raises(runwayml.NotFoundError, match="no endpoint"):
        client.sound_effect.create(model="eleven_text_to_sound_v2", prompt_text=rig.prompt)
    with pytest.raises(runwayml.NotFoundError, match="no endpoint"):
        client.voices.list(limit=1)


def test_adapter_sends_the_same_video_request_as_the_client(
    client: RunwayML, rig: Rig, asked: Asked, picture: str
) -> None:
    asked.by_us("runway", "gen-4-turbo-image-to-video", image_urls=[picture], aspect_ratio="21:9", duration_seconds=10)
    client.image_to_video.create(
        model="gen4_turbo",
        prompt_image=[{"uri": picture, "position": "first"}],
        prompt_text=rig.prompt,
        ratio="1584:672",
        duration=10,
    )
    assert asked.is_the_same()


def test_adapter_sends_the_same_picture_request_as_the_client(
    client: RunwayML, rig: Rig, asked: Asked, picture: str
) -> None:
    asked.by_us("runway", "gen-4-image", image_urls=[picture], resolution="1080p", aspect_ratio="3:4")
    client.text_to_image.create(
        model="gen4_image",
        prompt_text=rig.prompt,
        ratio="1080:1440",
        reference_images=[{"uri": picture, "tag": "image1"}],
    )
    assert asked.is_the_same()


def test_adapter_sends_the_same_veo_request_as_the_client(
    client: RunwayML, rig: Rig, asked: Asked, picture: str
) -> None:
    asked.by_us("runway", "runway-veo-3.1", image_urls=[picture] * 2, audio=True, negative_prompt="haze", seed=7)
    client.image_to_video.create(
        model="veo3.1",
        prompt_text=rig.prompt,
        prompt_image=[{"uri": picture, "position": "first"}, {"uri": picture, "position": "last"}],
        ratio="1280:720",
        duration=8,
        audio=True,
        negative_prompt="haze",
        seed=7,
    )
    assert asked.is_the_same()
