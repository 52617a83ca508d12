"""`/video` and `/image`, from a text to files in the answer, with every process."""

import base64
import io
from typing import Any

import av
import httpx

from tests.e2e.conftest import System


def test_a_picture_becomes_a_video_and_the_video_is_extended(system: System) -> None:
    customer, picture, motion, more = system.customer(), system.behave(), system.behave(), system.behave()
    image = _made(system, customer.headers, "/image/generate", prompt=picture, settings={"image": {"model": "gemini"}})
    assert httpx.get(image["image_url"], trust_env=False).content.startswith(b"\x89PNG")

    settings = {"video": {"model": "veo-3", "duration_seconds": 5, "aspect_ratio": "1:1"}}
    video = _made(
        system,
        customer.headers,
        "/video/generate",
        prompt=motion,
        settings=settings,
        input_image_url=image["image_url"],
        save_to_db=False,
    )
    assert (video["provider"], video["duration"], video["settings"]["aspect_ratio"]) == ("gemini", 4, "16:9")
    start, _, content = video["video_url"].partition(",")
    assert start == "data:video/mp4;base64"
    with av.open(io.BytesIO(base64.b64decode(content)), mode="r") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, len(list(container.decode(stream)))) == ("h264", 4 * 24)

    longer = _made(system, customer.headers, "/video/extend", prompt=more, video_id=video["id"])
    assert (longer["served_by"]["model"], longer["duration"]) == ("veo-3-extend", 7)
    paid = sum(each["credits"]["captured"] for each in (image, video, longer))
    assert system.balance(customer) == (1000 - paid, 0)


def _made(system: System, headers: dict[str, str], path: str, **wanted: object) -> dict[str, Any]:
    answer = system.http.post(path, json=wanted, headers=headers)
    assert answer.status_code == httpx.codes.OK, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data
