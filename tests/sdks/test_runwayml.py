"""Runway's client, given the sandbox as its base URL. It refuses every answer that is not of its types."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest
import runwayml
from runwayml import AsyncRunwayML, RunwayML, TaskFailedError
from runwayml.types.task_retrieve_response import Cancelled, Failed, Pending, Running, Succeeded, Throttled

from sandbox.scenarios import ErrorReply
from tests.sandbox.harness import KEY, eventually
from tests.sdks.conftest import Asked, Stage

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


def create_image(client: RunwayML, stage: Stage) -> str:
    return client.text_to_image.create(model="gen4_image", prompt_text=stage.prompt, ratio="1280:720").id


def finish(client: RunwayML, task_id: str) -> Succeeded | Failed | Cancelled:
    """The task, once it has ended."""
    while isinstance(task := client.tasks.retrieve(task_id), OPEN):
        pass
    return task


def message(error: runwayml.APIStatusError) -> str:
    """What the client shows of an error's body."""
    assert isinstance(error.body, dict)
    assert set(error.body) == {"error"}
    return str(error.body["error"])


def test_a_picture_is_made_and_its_bytes_are_fetched(
    client: RunwayML, stage: Stage, download: Callable[[str], bytes]
) -> None:
    balance = client.organization.retrieve().credit_balance
    task = finish(client, create_image(client, stage))
    assert isinstance(task, Succeeded)
    (url,) = task.output
    assert download(url).startswith(b"\x89PNG")
    assert client.organization.retrieve().credit_balance == balance - task.cost.credits


def test_a_picture_is_made_from_others(client: RunwayML, stage: Stage, picture: str) -> None:
    created = client.text_to_image.create(
        model="gen4_image",
        prompt_text=f"@first {stage.word}",
        ratio="1080:1080",
        reference_images=[{"uri": picture, "tag": "first"}],
    )
    assert isinstance(finish(client, created.id), Succeeded)


def test_videos_are_made_from_words_and_from_a_picture(
    client: RunwayML, stage: Stage, picture: str, download: Callable[[str], bytes]
) -> None:
    from_words = client.text_to_video.create(model="gen4.5", prompt_text=stage.prompt, ratio="1280:720", duration=5)
    from_link = client.image_to_video.create(
        model="gen4_turbo", prompt_image=picture, prompt_text=stage.prompt, ratio="960:960", duration=5, seed=1
    )
    from_frames = client.image_to_video.create(
        model="gen4.5",
        prompt_image=[{"uri": picture, "position": "first"}],
        prompt_text=stage.prompt,
        ratio="1584:672",
        duration=2,
        content_moderation={"public_figure_threshold": "low"},
        output_format="mp4",
    )
    for created in (from_words, from_link, from_frames):
        task = finish(client, created.id)
        assert isinstance(task, Succeeded)
        assert download(task.output[0])[4:8] == b"ftyp"


def test_what_is_open_is_throttled_or_running(client: RunwayML, stage: Stage) -> None:
    stage.behave(seconds=LONG)
    waiting = client.tasks.retrieve(create_image(client, stage))
    assert isinstance(waiting, Throttled)
    assert waiting.estimated_cost.credits > 0
    stage.behave(seconds=1)

    def is_seen_running() -> bool:
        task_id = create_image(client, stage)
        while isinstance(task := client.tasks.retrieve(task_id), Throttled | Pending):
            pass
        return isinstance(task, Running) and 0 <= task.progress < 1 and task.estimated_cost.credits > 0

    # A slow machine may miss one.
    eventually(is_seen_running)


def test_a_failure_tells_its_code_and_costs_nothing(client: RunwayML, stage: Stage) -> None:
    stage.behave(outcome="fail", fail_code="SAFETY.INPUT.TEXT", fail_msg="Your prompt was refused")
    task = finish(client, create_image(client, stage))
    assert isinstance(task, Failed)
    assert (task.failure_code, task.failure, task.cost.credits) == ("SAFETY.INPUT.TEXT", "Your prompt was refused", 0)


def test_the_client_waits_for_the_end_of_a_task(client: RunwayML, sandbox_url: str, stage: Stage) -> None:
    # It reads about every six seconds, and nobody can ask it not to: so it waits for all at once.
    good = client.text_to_image.create(model="gen4_image", prompt_text=stage.prompt, ratio="1280:720")
    stage.behave(outcome="fail", fail_code="INTERNAL.BAD_OUTPUT.CODE01")
    bad = create_image(client, stage)
    stage.behave(seconds=LONG)
    gone = create_image(client, stage)

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


def test_a_deleted_task_is_gone_whether_it_was_open_or_not(client: RunwayML, stage: Stage) -> None:
    ended = create_image(client, stage)
    finish(client, ended)
    stage.behave(seconds=LONG)
    for task_id in (ended, create_image(client, stage)):
        client.tasks.delete(task_id)
        for call in (client.tasks.retrieve, client.tasks.delete):
            with pytest.raises(runwayml.NotFoundError) as refused:
                call(task_id)
            assert task_id in message(refused.value)
    assert [task.state for task in stage.sandbox.tasks(stage.word)] == ["success", "cancelled"]


def test_the_organization_has_credits_limits_and_usage(client: RunwayML, stage: Stage) -> None:
    before = client.organization.retrieve()
    limit = before.tier.models["gen4_image"]
    assert limit.max_daily_generations is not None
    create_image(client, stage)
    after = client.organization.retrieve()
    assert after.credit_balance < before.credit_balance
    assert after.usage.models["gen4_image"].daily_generations == 1


def test_a_wrong_key_and_a_wrong_version_are_refused(
    client: RunwayML, new_client: Callable[..., RunwayML], stage: Stage
) -> None:
    task_id = create_image(client, stage)
    stranger, ancient = new_client(api_key="key_wrong"), new_client(version="2020-01-01")
    for call in (
        lambda asked: create_image(asked, stage),
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
def test_a_wrong_field_is_refused_by_its_name(
    client: RunwayML, stage: Stage, fields: dict[str, object], word: str
) -> None:
    with pytest.raises(runwayml.BadRequestError) as refused:
        client.text_to_image.create(model="gen4_image", prompt_text=stage.prompt, ratio="1280:720", extra_body=fields)
    assert word in message(refused.value)


def test_a_rate_limit_is_told_and_waited_for(
    client: RunwayML, new_client: Callable[..., RunwayML], stage: Stage
) -> None:
    stage.behave(create_error=ErrorReply(code=429, msg="Too many requests"), create_error_times=2)
    with pytest.raises(runwayml.RateLimitError) as refused:
        create_image(client, stage)
    assert message(refused.value) == "Too many requests"
    create_image(new_client(max_retries=1), stage)
    requests = stage.sandbox.requests(stage.word)
    assert (requests.accepted, requests.refused) == (1, 2)


def test_trouble_of_the_vendor_and_a_lost_answer_are_told_apart(client: RunwayML, stage: Stage) -> None:
    stage.behave(create_error=ErrorReply(code=502, msg="Bad gateway"))
    with pytest.raises(runwayml.InternalServerError):
        create_image(client, stage)
    stage.behave(create_reply="drop")
    with pytest.raises(runwayml.APIConnectionError):
        create_image(client, stage)


def test_what_is_not_played_here_is_not_found(client: RunwayML, stage: Stage) -> None:
    with pytest.raises(runwayml.NotFoundError, match="no endpoint"):
        client.sound_effect.create(model="eleven_text_to_sound_v2", prompt_text=stage.prompt)
    with pytest.raises(runwayml.NotFoundError, match="no endpoint"):
        client.voices.list(limit=1)


def test_our_adapter_asks_for_a_video_as_the_client_does(
    client: RunwayML, stage: Stage, asked: Asked, picture: str
) -> None:
    asked.by_us("runway", "gen-4-turbo-image-to-video", image_urls=[picture], aspect_ratio="21:9", duration_seconds=10)
    client.image_to_video.create(
        model="gen4_turbo",
        prompt_image=[{"uri": picture, "position": "first"}],
        prompt_text=stage.prompt,
        ratio="1584:672",
        duration=10,
    )
    assert asked.is_the_same()


def test_our_adapter_asks_for_a_picture_as_the_client_does(
    client: RunwayML, stage: Stage, asked: Asked, picture: str
) -> None:
    asked.by_us("runway", "gen-4-image", image_urls=[picture], resolution="1080p", aspect_ratio="3:4")
    client.text_to_image.create(
        model="gen4_image",
        prompt_text=stage.prompt,
        ratio="1080:1440",
        reference_images=[{"uri": picture, "tag": "image1"}],
    )
    assert asked.is_the_same()
