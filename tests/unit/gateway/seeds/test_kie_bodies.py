import json

import pytest

from gateway.problems import BadRequest
from gateway.seeds.kie_bodies import answer_to
from schemas.enums import Kind

LINK = "https://kie-cdn.com/video.mp4"


def answered(code: int, data: dict[str, object], kind: Kind = Kind.VIDEO) -> str:
    """The answer to a callback about a task."""
    body = {"code": code, "data": {"taskId": "task_abc123", **data}}
    return answer_to(json.dumps(body).encode(), kind)


@pytest.mark.parametrize(
    "data",
    [
        {
            "state": "success",
            "resultJson": json.dumps({"resultUrls": [LINK]}),
            "consumeCredits": 100,
            "costTime": 45000,
        },
        {"state": "success", "resultJson": {"resultUrls": [LINK]}},
        {"info": {"resultUrls": [LINK]}, "fallbackFlag": False},
        {"info": {"resultUrls": f'["{LINK}"]'}},
        {"info": {"resultUrls": f"[{LINK}]"}},
        {"video_id": "1", "video_url": LINK, "image_url": "https://kie-cdn.com/image.png"},
    ],
    ids=["market", "market, an object", "veo", "veo, a text of JSON", "veo, a bare list", "runway"],
)
def test_a_finished_task_of_every_endpoint_of_kie_is_a_success(data: dict[str, object]) -> None:
    assert answered(200, data) == "Success"


@pytest.mark.parametrize(
    ("code", "data"),
    [
        (501, {"state": "fail", "failCode": "500", "failMsg": "Internal server error", "resultJson": None}),
        (501, {"state": "success"}),
        (200, {"state": "fail", "failMsg": "Generation failed"}),
        (400, {"info": None}),
        (422, {}),
        (500, {}),
    ],
)
def test_a_failed_task_is_recorded(code: int, data: dict[str, object]) -> None:
    assert answered(code, data) == "Failure recorded"


@pytest.mark.parametrize(
    "result", [None, "", "{}", "{not JSON", '{"resultUrls": []}', '{"resultUrls": [""]}', '{"resultUrls": [7]}', [], 7]
)
def test_a_success_without_a_link_is_refused(result: object) -> None:
    for kind in Kind:
        with pytest.raises(BadRequest, match=rf"^Missing {kind} URL in response$"):
            answered(200, {"state": "success", "resultJson": result}, kind)


@pytest.mark.parametrize(
    ("code", "data"),
    [
        (200, {}),
        (200, {"state": "waiting"}),
        (200, {"state": "generating"}),
        (200, {"state": 7}),
        (400, {"state": "success"}),
        (402, {}),
        (505, {}),
    ],
)
def test_another_state_is_unknown(code: int, data: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match=r"^Unknown state$"):
        answered(code, data)
