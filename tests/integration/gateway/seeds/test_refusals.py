"""The errors of `/video` and `/image`."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from schemas.enums import ErrorCode
from schemas.settings import Settings
from storage.database import Database
from tests.integration.gateway.finishing import fail
from tests.integration.gateway.seeds.orders import PRICE, accepted, plain


@pytest.mark.parametrize(
    ("code", "status"), [(ErrorCode.PROVIDER_FAILED, 502), (ErrorCode.DOWNLOAD_FAILED, 502), (ErrorCode.INTERNAL, 500)]
)
def test_a_failure_is_told_as_the_seed_tells_it(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    make_customer: Any,
    helper: ThreadPoolExecutor,
    code: ErrorCode,
    status: int,
) -> None:
    customer = make_customer(PRICE)
    sent = helper.submit(gateway.post, "/video/generate", json={"prompt": "a boat"}, headers=customer.headers)
    (generation_id,) = accepted(database)
    fail(database, settings, generation_id, code, "the reason")

    answer = sent.result()
    body = answer.json()
    assert (answer.status_code, body["success"], body["code"]) == (status, False, status)
    assert (body["data"], body["error"]["code"], body["error"]["id"]) == (None, code, str(generation_id))
    assert "the reason" in body["message"]
    # A question is answered: the client stops asking, as it would not after a 502.
    asked = gateway.get(f"/video/{generation_id}", headers=customer.headers)
    told = asked.json()
    assert (asked.status_code, told["success"], told["code"]) == (200, False, status)
    assert (told["data"]["status"], told["data"]["error"]["code"]) == ("failed", code)


REFUSED: list[tuple[int, str, str, dict[str, Any]]] = [
    (400, "invalid_request", "/video/generate", {"prompt": ""}),
    (400, "invalid_request", "/video/generate", {"prompt": "   "}),
    (400, "invalid_request", "/video/generate", {}),
    (400, "invalid_request", "/video/generate", {"prompt": "a boat", "customer_id": ""}),
    (400, "invalid_request", "/video/generate", {"prompt": "a boat", "customer_id": {"id": 1}}),
    (400, "invalid_request", "/video/generate", plain(model="no-such-model")),
    (400, "invalid_request", "/video/generate", plain(model="nano-banana")),
    (400, "invalid_request", "/image/generate", {"prompt": "a boat", "settings": {"image": {"model": "veo"}}}),
    (403, "other_customer", "/video/generate", {"prompt": "a boat", "customer_id": 123}),
    *((410, "model_retired", "/video/generate", plain(model=name)) for name in ("sora", "sora-1", "openai")),
    (422, "invalid_request", "/video/generate", plain(duration_seconds="long")),
    (422, "invalid_request", "/video/generate", plain(number_of_videos=11)),
    (422, "invalid_request", "/video/generate", {"prompt": "a boat", "input_image_url": "first.png"}),
    (422, "invalid_request", "/video/extend", {"prompt": "on", "video_id": "no address"}),
    (501, "not_implemented", "/video/extend", {"prompt": "on", "video_id": "https://media.example/a.mp4"}),
]


@pytest.mark.parametrize(("status", "code", "path", "body"), REFUSED)
def test_a_refusal_has_the_status_of_the_seed(
    gateway: httpx.Client, make_customer: Any, status: int, code: str, path: str, body: dict[str, Any]
) -> None:
    answer = gateway.post(path, json=body, headers=make_customer(100).headers)

    told = answer.json()
    assert (answer.status_code, told["success"], told["code"]) == (status, False, status), told
    assert (told["data"], told["error"]["code"]) == (None, code)


def test_without_a_key_credits_or_a_video_the_status_says_so(gateway: httpx.Client, make_customer: Any) -> None:
    poor = make_customer(PRICE - 1).headers
    unknown = "3e41a28d-5bf9-40ce-a038-dc975dda27ad"
    answers = [
        gateway.post("/video/generate", json={"prompt": "a boat"}),
        gateway.post("/video/generate", json={"prompt": "a boat"}, headers=poor),
        gateway.get(f"/video/{unknown}", headers=poor),
        gateway.get(f"/image/{unknown}/download", headers=poor),
        gateway.post("/video/extend", json={"prompt": "on", "video_id": unknown}, headers=poor),
    ]

    assert [answer.status_code for answer in answers] == [401, 402, 404, 404, 422]
    assert all(answer.json()["code"] == answer.status_code for answer in answers)
    assert answers[1].json()["error"]["buy_credits_url"] == "https://shop.example/credits"


def test_an_error_names_the_setting_as_the_client_did(gateway: httpx.Client, make_customer: Any) -> None:
    customer = make_customer(100)
    told = gateway.post("/video/generate", json=plain(fps=0), headers=customer.headers).json()
    assert told["error"]["errors"][0]["field"] == "settings.video.fps"
    told = gateway.post("/video/generate", json=plain(model="no-such-model"), headers=customer.headers).json()
    assert told["error"]["errors"][0]["field"] == "settings.video.model"


@pytest.mark.parametrize("path", ["/video/generate", "/api/video/generate"])
def test_an_address_with_a_nul_is_no_link_of_ours(gateway: httpx.Client, make_customer: Any, path: str) -> None:
    url = f"{gateway.base_url}/files/customers/1%00.png"
    wanted = {
        "prompt": "a paper boat",
        "imageUrl": url,
        "input_image_url": url,
        "settings": {"video": {"poll_timeout_seconds": 0}},
    }
    answer = gateway.post(path, json=wanted, headers=make_customer(5000).headers)
    assert answer.status_code in {200, 202}, answer.text
