"""The Runway adapter against the sandbox. The sandbox follows Runway's documents, not the adapter."""

from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from itertools import product
from math import ceil
from uuid import uuid4

import av
import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.runway.adapter import Runway
from providers.base import Cancellation, InputFile, ProviderRequest, RemoteRef, RemoteState, RemoteStatus, ResultRequest
from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.models import Model
from providers.catalogue.prices import KnownCost
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from schemas.enums import ErrorCode, Kind
from schemas.limits import Refusal
from schemas.provider_errors import ProviderBadResponse, ProviderError, ProviderRejected, ProviderUnavailable
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY, eventually

CATALOGUE = Catalogue.load(frozenset({"runway"}))
TEXT = "gen-4.5-text-to-video"
ALEPH = "aleph-2-video-to-video"
COSTS = {model.name: model.costs.get("runway") for model in CatalogueFile.shipped().models}
TINY = Delivered(width=64, height=64, duration_seconds=1)
LONG = 3600


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        account = ProviderSettings(api_key=SecretStr(KEY), base_url=f"{sandbox_url}/runway")
        yield Rig(Runway("runway", account, transport), CATALOGUE, TEXT, sandbox, sandbox_url, uuid4().hex, TINY)


@pytest.fixture
def film(rig: Rig) -> str:
    """A link to a video of three seconds, which Runway made before."""
    small = Delivered(width=64, height=48, duration_seconds=3)
    rig.sandbox.add_scenario(Scenario(match=Match(prompt_contains="a source"), seconds=0, delivered=small))
    return rig.make(rig.order(TEXT, prompt="a source"))


# What each model makes, with how many pictures, and what Runway charges for it.
ORDERS: list[tuple[str, int, dict[str, object], int]] = [
    (TEXT, 0, {}, 60),
    (TEXT, 0, {"duration_seconds": 2, "aspect_ratio": "9:16"}, 24),
    ("gen-4.5-image-to-video", 1, {"duration_seconds": 10, "aspect_ratio": "21:9"}, 120),
    ("gen-4-turbo-image-to-video", 1, {"aspect_ratio": "1:1"}, 25),
    ("gen-4-image", 0, {"aspect_ratio": "3:4"}, 5),
    ("gen-4-image", 3, {"resolution": "1080p"}, 8),
    ("gen-4-image-turbo", 1, {"resolution": "1080p", "seed": 7}, 2),
    ("aleph-2-video-to-video", 0, {"duration_seconds": 3, "seed": 2**32 - 1}, 84),
    ("aleph-2-video-to-video", 1, {"duration_seconds": 3}, 84),
    ("runway-veo-3.1", 0, {"audio": True, "negative_prompt": "haze"}, 320),
    ("runway-veo-3.1", 1, {"duration_seconds": 4, "resolution": "1080p"}, 80),
    ("runway-veo-3.1-fast", 0, {"aspect_ratio": "9:16", "seed": 7}, 80),
    ("runway-veo-3.1-fast", 2, {"audio": True}, 120),
    ("runway-seedance-2.0", 0, {"resolution": "4k", "aspect_ratio": "21:9", "duration_seconds": 4}, 600),
    ("runway-seedance-2.0", 2, {"resolution": "1080p", "audio": False, "seed": 7}, 200),
    ("seedance-2.5", 0, {"resolution": "480p", "duration_seconds": 4}, 80),
    ("seedance-2.5", 1, {"resolution": "1080p", "aspect_ratio": "9:16", "duration_seconds": 4}, 272),
    ("wan-3.0", 0, {"resolution": "480p", "aspect_ratio": "3:4", "duration_seconds": 30}, 150),
    ("wan-3.0", 2, {"resolution": "1080p", "audio": False}, 100),
    ("wan-3.0-prime", 0, {"resolution": "480p"}, 34),
    ("wan-3.0-prime", 1, {}, 70),
    ("minimax-h3", 0, {"resolution": "2k", "aspect_ratio": "21:9"}, 75),
    ("minimax-h3", 2, {"duration_seconds": 6}, 64),
    ("runway-grok-imagine-video-1.5", 0, {"resolution": "1080p", "duration_seconds": 1}, 29),
    ("runway-grok-imagine-video-1.5", 1, {"resolution": "480p", "duration_seconds": 15}, 151),
    ("kling-4.0", 0, {"resolution": "1080p", "aspect_ratio": "21:9", "duration_seconds": 3}, 90),
    ("kling-4.0", 2, {"duration_seconds": 30}, 600),
    ("seedream-5-pro", 0, {"aspect_ratio": "16:9"}, 5),
    ("seedream-5-pro", 10, {"resolution": "2K", "output_format": "jpeg"}, 9),
    ("seedream-5-lite", 0, {"resolution": "3K", "aspect_ratio": "21:9"}, 4),
    ("seedream-5-lite", 2, {}, 4),
    ("runway-grok-imagine-image-2", 0, {"resolution": "2K", "aspect_ratio": "16:9"}, 8),
    ("runway-grok-imagine-image-2", 3, {}, 9),
    ("ideogram-4", 0, {"aspect_ratio": "9:16"}, 7),
    ("ideogram-4", 1, {}, 7),
    ("ideogram-4.5", 0, {"aspect_ratio": "2:1"}, 8),
    ("ideogram-4.5", 5, {}, 8),
    ("recraft-4.1-flash", 0, {"aspect_ratio": "1:2", "seed": 7}, 4),
    ("muse-image", 0, {"aspect_ratio": "21:9"}, 1),
    ("muse-image", 10, {"output_format": "jpeg"}, 1),
]


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    names = {card.name for card in CATALOGUE.models() if card.retired_on is None}
    assert names == {model for model, *_ in ORDERS}


@pytest.mark.parametrize(("model", "pictures", "fields", "charged"), ORDERS)
def test_an_order_is_made_and_fetched(
    rig: Rig, picture: str, film: str, model: str, pictures: int, fields: dict[str, object], charged: int
) -> None:
    rig.misbehave()
    films = [film] if model == ALEPH else []
    order = rig.order(model, image_urls=[picture] * pictures, video_urls=films, **fields)
    state = rig.finish(rig.submit(order, callback_url="https://gw.example/callbacks"))
    assert (state.status, state.provider_credits) == (RemoteStatus.SUCCEEDED, Decimal(charged))
    if isinstance(cost := COSTS.get(model), KnownCost):
        assert ceil(cost.of(order.inputs)) == charged
    with open_download(ResultRequest(state.result_urls[0]), DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes
    assert download.media.extension == order.file_extension
    (task,) = rig.sandbox.tasks(rig.word)
    endpoint, _, theirs = order.routes[0].model.partition("/")
    if endpoint == "video":
        endpoint = "image_to_video" if pictures else "text_to_video"
    assert (task.call_back_url, task.model) == (None, f"{endpoint}/{theirs}")


def test_a_changed_video_keeps_its_length_and_aspect_ratio(rig: Rig, film: str) -> None:
    url = rig.make(rig.order(ALEPH, video_urls=[film]))
    with open_download(ResultRequest(url), DOWNLOADS, kind=Kind.VIDEO) as download:
        shape = measured(download.read())
    assert shape == (64, 48, 3)


def measured(content: bytes) -> tuple[int, int, float]:
    """Width, height and seconds of a video."""
    with av.open(BytesIO(content), mode="r", format="mp4") as container:
        stream = container.streams.video[0]
        return stream.width, stream.height, (container.duration or 0) / av.time_base


def uploaded(link: str) -> InputFile:
    """The file behind a link of the sandbox, as customers give it."""
    answer = httpx.get(link, trust_env=False)
    return InputFile(answer.content, answer.headers["Content-Type"])


@pytest.mark.parametrize("size", [0, 6 * 1024**2], ids=["small", "large"])
def test_an_order_can_combine_uploads_and_links(rig: Rig, picture: str, film: str, size: int) -> None:
    rig.misbehave()
    clip = uploaded(film)
    # Players skip a box of this kind at the end.
    padding = size.to_bytes(4, "big") + b"free" + bytes(size - 8) if size else b""
    inputs = rig.order(ALEPH, video_urls=["upload:0e6e0f5c-0000-4000-8000-000000000000"], image_urls=[picture]).inputs
    created = rig.provider.submit(
        ProviderRequest(
            "video_to_video/aleph2",
            inputs,
            {inputs.video_urls[0]: InputFile(clip.content + padding, clip.content_type)},
        ),
        callback_url=None,
        generation_id=uuid4(),
        fence=lambda: None,
    )
    state = rig.finish(RemoteRef(created.remote_id, "video_to_video/aleph2"))
    assert (state.status, state.provider_credits) == (RemoteStatus.SUCCEEDED, Decimal(84))


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (InputFile(b"no video at all" * 100, "video/mp4"), "it is not a video"),
        (InputFile(b"small", "image/png"), "the content type 'image/png' is none of video/mp4"),
    ],
)
def test_an_upload_that_is_not_a_video_is_rejected_without_quoting_it(rig: Rig, video: InputFile, message: str) -> None:
    inputs = rig.order(ALEPH, video_urls=["upload:0e6e0f5c-0000-4000-8000-000000000000"]).inputs
    request = ProviderRequest("video_to_video/aleph2", inputs, {inputs.video_urls[0]: video})
    with pytest.raises(ProviderRejected) as caught:
        rig.provider.submit(request, callback_url=None, generation_id=uuid4(), fence=lambda: None)
    assert f"Failed to fetch the video of a data URI: {message}" in caught.value.message


MODELS = [model for model in CatalogueFile.shipped().models if model.routes[0].provider == "runway"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_aspect_ratio_of_the_catalogue_is_accepted(rig: Rig, picture: str, model: Model) -> None:
    rig.misbehave(seconds=LONG)
    pictures = [picture] * model.capabilities.min_images
    shapes = list(product(model.capabilities.aspect_ratios, model.capabilities.resolutions))
    for aspect_ratio, resolution in shapes:
        rig.submit(rig.order(model.name, image_urls=pictures, aspect_ratio=aspect_ratio, resolution=resolution))
    assert rig.sandbox.requests(rig.word).accepted == len(shapes)


@pytest.mark.parametrize(
    ("status", "text", "refusal"),
    [
        (429, "You have reached your daily limit", Refusal.DAILY),
        (400, "You do not have enough credits", Refusal.NO_MONEY),
    ],
)
def test_an_exhausted_account_says_so(rig: Rig, status: int, text: str, refusal: Refusal) -> None:
    rig.misbehave(create_error=ErrorReply(code=status, msg=text))
    with pytest.raises(ProviderError) as caught:
        rig.submit(rig.order())
    assert caught.value.refusal is refusal


def test_the_rejection_of_a_wrong_input_quotes_the_vendor(rig: Rig) -> None:
    inputs = rig.order().inputs.model_copy(update={"duration_seconds": 11})
    request = ProviderRequest("text_to_video/gen4.5", inputs)
    with pytest.raises(ProviderRejected, match=r"HTTP 400: duration: Input should be less than or equal to 10"):
        rig.provider.submit(request, callback_url=None, generation_id=uuid4(), fence=lambda: None)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("SAFETY.OUTPUT.VIDEO", ErrorCode.CONTENT_REJECTED),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", ErrorCode.CONTENT_REJECTED),
        ("ASSET.INVALID", ErrorCode.INPUT_UNREADABLE),
        ("INTERNAL.BAD_OUTPUT.CODE01", ErrorCode.PROVIDER_FAILED),
    ],
)
def test_a_failed_task(rig: Rig, code: str, expected: ErrorCode) -> None:
    rig.misbehave(outcome="fail", fail_code=code, fail_msg="It went wrong")
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code, state.provider_credits) == (RemoteStatus.FAILED, expected, Decimal(0))
    assert state.error_message is not None
    assert state.error_message.endswith(": It went wrong")


def test_a_task_with_an_undocumented_state_is_not_deleted(rig: Rig) -> None:
    rig.misbehave(state_word="PONDERING")
    remote = rig.submit(rig.order())
    assert rig.provider.poll(remote) == RemoteState(RemoteStatus.UNKNOWN, word="PONDERING")
    with pytest.raises(ProviderBadResponse, match="does not document"):
        rig.provider.cancel(remote)
    assert rig.sandbox.tasks(rig.word)[0].cancels == 0


def test_a_task_is_queued_and_then_reports_progress(rig: Rig) -> None:
    rig.misbehave(seconds=4)
    remote = rig.submit(rig.order())
    assert rig.provider.poll(remote).status is RemoteStatus.QUEUED
    eventually(lambda: rig.provider.poll(remote).status is RemoteStatus.RUNNING)
    progress = rig.provider.poll(remote).progress
    assert progress is not None
    assert 0 <= progress < 1


def test_a_poll_renews_an_expired_link(rig: Rig) -> None:
    rig.misbehave()
    remote = rig.submit(rig.order())
    (link,) = rig.finish(remote).result_urls
    eventually(lambda: rig.provider.poll(remote).result_urls != [link])


def test_a_repeated_cancel_of_stopped_work_is_stopped(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.STOPPED
    assert rig.provider.cancel(remote) is Cancellation.STOPPED
    with pytest.raises(ProviderRejected, match="HTTP 404"):
        rig.provider.poll(remote)
    (task,) = rig.sandbox.tasks(rig.word)
    assert (task.state, task.cancels) == ("cancelled", 1)


@pytest.mark.parametrize("outcome", ["success", "fail"])
def test_finished_work_cannot_be_cancelled_and_is_not_deleted(rig: Rig, outcome: str) -> None:
    rig.misbehave(outcome=outcome)
    remote = rig.submit(rig.order())
    ended = rig.finish(remote).status
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE
    assert rig.provider.poll(remote).status is ended
    assert rig.sandbox.tasks(rig.word)[0].cancels == 0


def test_a_refused_cancel_can_be_sent_again(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, cancel_error=ErrorReply(code=503, msg="busy", retry_after=2))
    remote = rig.submit(rig.order())
    with pytest.raises(ProviderUnavailable) as caught:
        rig.provider.cancel(remote)
    assert caught.value.retry_after == 2
    assert rig.provider.cancel(remote) is Cancellation.STOPPED


def test_unknown_work_cannot_be_read(rig: Rig) -> None:
    with pytest.raises(ProviderRejected, match="HTTP 404: Task t1 not found"):
        rig.provider.poll(RemoteRef("t1", "text_to_video/gen4.5"))


def test_a_check_returns_the_balance(rig: Rig) -> None:
    before = rig.provider.check().credits
    rig.misbehave(seconds=LONG)
    rig.submit(rig.order())
    assert before is not None
    assert rig.provider.check().credits == before - 60
