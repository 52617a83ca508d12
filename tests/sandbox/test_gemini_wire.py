"""The sandbox answers as Google's documents say."""

import base64
import hashlib
from typing import Any

import httpx
import jwt
import pytest
from pydantic import JsonValue

from sandbox.client import SandboxClient
from sandbox.scenarios import ErrorReply, Match, Scenario
from sandbox.standard_webhooks import sign
from sandbox.vendors.gemini.errors import GeminiError
from sandbox.vendors.gemini.models import read_create
from tests.sandbox.harness import BANANA, KEY, OMNI, WEBHOOK_SECRET, Gemini, Kie, Received, Receiver

TINY = {"delivered": {"width": 64, "height": 64, "duration_seconds": 1}}
LONG = 3600
LONGER, LITE = "gemini-omni-1.2-flash", "gemini-3.1-flash-lite-image"


def behave(sandbox: SandboxClient, gemini: Gemini, **fields: object) -> None:
    scenario = {"match": Match(prompt_contains=gemini.word), **TINY, **fields}
    sandbox.add_scenario(Scenario.model_validate(scenario))


def output_of(interaction: dict[str, Any]) -> dict[str, Any]:
    """The model's output."""
    assert [step["type"] for step in interaction["steps"]] == ["user_input", "thought", "model_output"]
    (output,) = interaction["steps"][-1]["content"]
    made: dict[str, Any] = output
    return made


@pytest.fixture
def picture(kie: Kie) -> str:
    """A picture of another vendor, in base64."""
    return base64.b64encode(kie.http.get(kie.result_url(kie.create())).content).decode()


def test_picture_is_fetched_from_its_uri(gemini: Gemini, sandbox: SandboxClient) -> None:
    behave(sandbox, gemini)
    accepted = gemini.post().json()
    assert (accepted["status"], accepted["object"], accepted["model"]) == ("queued", "interaction", BANANA)
    assert accepted["id"].startswith("v1_")
    interaction = gemini.finish(accepted["id"])
    output = output_of(interaction)
    assert (interaction["status"], output["type"], output["mime_type"]) == ("completed", "image", "image/png")
    assert "data" not in output
    about = gemini.http.get(output["uri"]).json()
    assert (about["state"], about["mimeType"], output["uri"]) == ("ACTIVE", "image/png", about["uri"])
    for link in (f"{output['uri']}?alt=media", about["downloadUri"]):
        answer = gemini.http.get(link)
        assert (answer.headers["content-type"], str(len(answer.content))) == ("image/png", about["sizeBytes"])
    assert sandbox.requests(gemini.word).accepted == 1


@pytest.mark.parametrize("asked", [True, False], ids=["asked for", "all the same"])
def test_video_is_delivered_within_its_interaction(gemini: Gemini, sandbox: SandboxClient, asked: bool) -> None:
    behave(sandbox, gemini, inline_result=not asked)
    delivery = "inline" if asked else "uri"
    interaction_id = gemini.create(OMNI, response_format={"type": "video", "delivery": delivery})
    output = output_of(gemini.finish(interaction_id))
    assert (output["mime_type"], "uri" in output) == ("video/mp4", False)
    assert base64.b64decode(output["data"])[4:8] == b"ftyp"


def test_input_is_in_the_steps_with_its_bytes(gemini: Gemini, sandbox: SandboxClient, picture: str) -> None:
    behave(sandbox, gemini)
    text: JsonValue = {"type": "text", "text": f"a boat {gemini.word}"}
    image: JsonValue = {"type": "image", "mime_type": "image/png", "data": picture}
    step: JsonValue = {"type": "user_input", "content": [image, text]}
    contents: list[JsonValue] = [[image, text], [step]]
    for given in contents:
        interaction = gemini.finish(gemini.create(input=given))
        assert interaction["steps"][0] == step


def test_foreground_interaction_is_answered_after_its_end(gemini: Gemini, sandbox: SandboxClient) -> None:
    behave(sandbox, gemini)
    assert gemini.post(background=False).json()["status"] == "completed"


def test_both_versions_are_served(gemini: Gemini, sandbox: SandboxClient) -> None:
    behave(sandbox, gemini, seconds=LONG)
    interaction_id = gemini.create(version="v1")
    assert gemini.http.get(f"/gemini/v1/interactions/{interaction_id}").json()["id"] == interaction_id
    assert gemini.http.get(f"/gemini/v2/interactions/{interaction_id}").status_code == 422


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """The status and the reason of a Google error."""
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "status", "details"}
    assert error["code"] == answer.status_code
    return answer.status_code, error["status"]


@pytest.mark.parametrize(("key", "refused"), [("", (403, "PERMISSION_DENIED")), ("wrong", (400, "INVALID_ARGUMENT"))])
def test_wrong_key_is_refused(gemini: Gemini, sandbox: SandboxClient, key: str, refused: tuple[int, str]) -> None:
    behave(sandbox, gemini)
    interaction_id = gemini.create()
    uri = output_of(gemini.finish(interaction_id))["uri"]
    gemini.http.headers["x-goog-api-key"] = key
    answers = [
        gemini.post(),
        gemini.read(interaction_id),
        gemini.cancel(interaction_id),
        gemini.http.get(f"{uri}?alt=media"),
        gemini.http.get("/gemini/v1beta/models"),
        gemini.http.post("/gemini/v1beta/webhooks", json={}),
    ]
    assert [error_of(answer) for answer in answers] == [refused] * len(answers)
    reasons = [detail["reason"] for detail in answers[0].json()["error"]["details"]]
    assert reasons == (["API_KEY_INVALID"] if key else [])


def test_unknown_revision_is_refused(gemini: Gemini, sandbox: SandboxClient) -> None:
    behave(sandbox, gemini, seconds=LONG)
    gemini.http.headers["Api-Revision"] = "2026-05-20"
    interaction_id = gemini.create()
    gemini.http.headers["Api-Revision"] = "2030-01-01"
    for answer in (gemini.post(), gemini.read(interaction_id), gemini.cancel(interaction_id)):
        assert error_of(answer) == (400, "INVALID_ARGUMENT")


IMAGE: dict[str, Any] = {"model": BANANA, "input": "a boat", "response_format": {"type": "image"}}
VIDEO: dict[str, Any] = {"model": OMNI, "input": "a boat", "response_format": {"type": "video"}}
PICTURE = {"type": "image", "mime_type": "image/png", "data": "b25l"}
CLIP = {"type": "video", "mime_type": "video/mp4", "data": "b25l"}


def with_task(task: str, *contents: object) -> dict[str, Any]:
    return {**VIDEO, "input": [*contents], "generation_config": {"video_config": {"task": task}}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**IMAGE, "model": "veo-3.1-generate-preview"}, 404),
        ({**IMAGE, "colour": "red"}, 400),
        ({**IMAGE, "stream": True}, 400),
        ({"model": BANANA, "input": "a boat"}, 400),
        ({**IMAGE, "response_format": {"type": "video"}}, 400),
        ({**IMAGE, "response_format": [{"type": "image"}, {"type": "image"}]}, 400),
        ({**IMAGE, "response_format": {"type": "image", "aspect_ratio": "7:5"}}, 400),
        ({**IMAGE, "response_format": {"type": "image", "image_size": "8K"}}, 400),
        ({**IMAGE, "response_format": {"type": "image", "mime_type": "image/png"}}, 400),
        ({**IMAGE, "response_format": {"type": "image", "delivery": "email"}}, 400),
        ({**IMAGE, "response_format": {"type": "image", "resolution": "720p"}}, 400),
        (
            {**IMAGE, "model": "gemini-3.1-flash-lite-image", "response_format": {"type": "image", "image_size": "2K"}},
            400,
        ),
        ({**IMAGE, "model": "gemini-3-pro-image", "response_format": {"type": "image", "aspect_ratio": "1:8"}}, 400),
        ({**IMAGE, "generation_config": {"seed": 7}}, 400),
        ({**IMAGE, "input": []}, 400),
        ({**IMAGE, "input": [{"type": "text", "text": ""}]}, 400),
        ({**IMAGE, "input": [{"type": "audio", "data": "b25l"}]}, 400),
        ({**IMAGE, "input": [{**PICTURE, "mime_type": "image/x"}]}, 400),
        ({**IMAGE, "input": [{"type": "user_input", "content": []}]}, 400),
        ({**IMAGE, "input": [CLIP]}, 400),
        ({**IMAGE, "input": [PICTURE] * 15}, 400),
        ({**VIDEO, "response_format": {"type": "video", "duration": 8}}, 400),
        ({**VIDEO, "response_format": {"type": "video", "duration": "8"}}, 400),
        ({**VIDEO, "response_format": {"type": "video", "duration": "2s"}}, 400),
        ({**VIDEO, "response_format": {"type": "video", "duration": "11s"}}, 400),
        ({**VIDEO, "model": LONGER, "response_format": {"type": "video", "duration": "16s"}}, 400),
        ({**VIDEO, "response_format": {"type": "video", "resolution": "4K"}}, 400),
        ({**VIDEO, "response_format": {"type": "video", "aspect_ratio": "1:1"}}, 400),
        ({**VIDEO, "generation_config": {"temperature": 1}}, 400),
        ({**VIDEO, "generation_config": {"seed": 2**31}}, 400),
        ({**VIDEO, "input": [PICTURE] * 11}, 400),
        ({**VIDEO, "input": [CLIP] * 2}, 400),
        (with_task("text_to_video", PICTURE), 400),
        (with_task("image_to_video", {"type": "text", "text": "a boat"}), 400),
        (with_task("image_to_video", PICTURE, CLIP), 400),
        (with_task("reference_to_video", CLIP), 400),
        (with_task("edit", PICTURE), 400),
        (with_task("extend", PICTURE), 400),
        (with_task("dance", PICTURE), 400),
        ({**IMAGE, "background": True, "store": False}, 400),
        ({**IMAGE, "webhook_config": {"uris": ["http://x.example/"]}}, 400),
        ({**IMAGE, "background": True, "webhook_config": {"uris": []}}, 400),
        ({**IMAGE, "background": True, "webhook_config": {"uris": ["x.example"]}}, 400),
        ({**IMAGE, "background": True, "webhook_config": {"url": "http://x.example/"}}, 400),
    ],
)
def test_unsupported_create_is_refused(body: dict[str, Any], code: int) -> None:
    with pytest.raises(GeminiError) as caught:
        read_create(body).spec()
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("body", "size", "seconds"),
    [
        (IMAGE, (1024, 1024), 0),
        (
            {**IMAGE, "response_format": [{"type": "image", "aspect_ratio": "16:9", "image_size": "2K"}]},
            (2736, 1536),
            0,
        ),
        ({**IMAGE, "response_format": {"type": "image", "aspect_ratio": "1:8"}}, (368, 2896), 0),
        (VIDEO, (1280, 720), 8),
        (with_task("edit", PICTURE, CLIP), (1280, 720), 8),
        (with_task("reference_to_video", PICTURE, PICTURE), (1280, 720), 8),
        (
            {
                **VIDEO,
                "model": LONGER,
                "response_format": {"type": "video", "duration": "15s", "resolution": "4k", "aspect_ratio": "9:16"},
                "generation_config": {"seed": 7, "video_config": {"task": "text_to_video"}},
            },
            (2160, 3840),
            15,
        ),
    ],
)
def test_model_delivers_the_requested_format(body: dict[str, Any], size: tuple[int, int], seconds: int) -> None:
    spec = read_create(body).spec()
    assert ((spec.width, spec.height), spec.duration_seconds, spec.sound) == (size, seconds, seconds > 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"type": "image", "mime_type": "image/png", "uri": "https://x.example/1.png"}, "Cannot fetch content"),
        ({"type": "image", "mime_type": "image/png"}, "Cannot fetch content"),
        ({"type": "image", "mime_type": "image/png", "data": "not base64!"}, "Base64 decoding failed"),
        ({"type": "image", "mime_type": "image/png", "data": "b25l"}, "Unable to process input image"),
    ],
)
def test_content_that_is_no_picture_is_refused(gemini: Gemini, content: JsonValue, message: str) -> None:
    answer = gemini.post(input=[content, {"type": "text", "text": "a boat"}])
    assert error_of(answer) == (400, "INVALID_ARGUMENT")
    assert message in answer.json()["error"]["message"]


def test_scenario_error_has_its_pause_in_the_details(gemini: Gemini, sandbox: SandboxClient) -> None:
    behave(sandbox, gemini, create_error=ErrorReply(code=429, msg="slow down", retry_after=7))
    answer = gemini.post()
    assert error_of(answer) == (429, "RESOURCE_EXHAUSTED")
    (detail,) = answer.json()["error"]["details"]
    assert detail == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
    assert "retry-after" not in answer.headers


def test_failure_has_its_code(gemini: Gemini, sandbox: SandboxClient) -> None:
    behave(sandbox, gemini, outcome="fail", fail_code="internal", fail_msg="it broke")
    interaction = gemini.finish(gemini.create())
    assert (interaction["status"], interaction["errors"]) == ("failed", [{"code": "internal", "message": "it broke"}])
    assert [step["type"] for step in interaction["steps"]] == ["user_input"]


def test_cancelled_interaction_stays_cancelled(gemini: Gemini, sandbox: SandboxClient) -> None:
    behave(sandbox, gemini, seconds=LONG)
    interaction_id = gemini.create()
    assert gemini.cancel(interaction_id).json()["status"] == "cancelled"
    assert gemini.read(interaction_id).json()["status"] == "cancelled"


def test_tasks_of_other_vendors_and_unknown_ids_are_not_found(gemini: Gemini, sandbox: SandboxClient, kie: Kie) -> None:
    behave(sandbox, gemini, seconds=LONG)
    interaction_id = gemini.create()
    for answer in (
        gemini.read("v1_1"),
        gemini.cancel("v1_1"),
        gemini.read(kie.create()),
        gemini.http.get("/gemini/v1beta/files/1"),
        gemini.http.get(f"/gemini/v1beta/files/{interaction_id.removeprefix('v1_')}?alt=media"),
    ):
        assert error_of(answer) == (404, "NOT_FOUND")


def test_models_are_listed(gemini: Gemini) -> None:
    models = gemini.http.get("/gemini/v1/models").json()["models"]
    assert {f"models/{name}" for name in (OMNI, LONGER, BANANA)} < {model["name"] for model in models}


def claims_of(gemini: Gemini, callback: Received) -> dict[str, Any]:
    """The claims of a webhook's token, if Google's key signed it."""
    (entry,) = gemini.http.get("/gemini/.well-known/jwks.json", headers={"x-goog-api-key": ""}).json()["keys"]
    token = callback.headers["webhook-signature"]
    assert jwt.get_unverified_header(token)["kid"] == entry["kid"]
    return jwt.decode(token, jwt.PyJWK(entry), algorithms=["RS256"], options={"verify_aud": False})


@pytest.mark.parametrize(
    ("fields", "event", "more"),
    [
        ({}, "completed", {}),
        ({"outcome": "fail", "fail_code": "x", "fail_msg": "y"}, "failed", {"error_code": "x", "error_message": "y"}),
        ({"outcome": "fail", "fail_code": "requires_action"}, "requires_action", {}),
    ],
)
def test_webhook_of_the_create_carries_a_token(
    gemini: Gemini,
    sandbox: SandboxClient,
    receiver: Receiver,
    fields: dict[str, object],
    event: str,
    more: dict[str, str],
) -> None:
    behave(sandbox, gemini, **fields)
    interaction_id = gemini.create(webhook_config={"uris": [receiver.url], "user_metadata": {"job": "1"}})
    (callback,) = receiver.wait_for(1)
    told = httpx.Response(200, content=callback.body).json()
    assert (told["type"], told["version"]) == (f"interaction.{event}", "v1")
    assert told["data"] == {"id": interaction_id, **more}
    assert claims_of(gemini, callback)["data"]["id"] == interaction_id


def test_forged_webhook_is_signed_with_another_key(gemini: Gemini, sandbox: SandboxClient, receiver: Receiver) -> None:
    behave(sandbox, gemini, callback="forged", seconds=LONG)
    gemini.create(webhook_config={"uris": [receiver.url]})
    (callback,) = receiver.wait_for(1)
    with pytest.raises(jwt.InvalidSignatureError):
        claims_of(gemini, callback)


def test_projects_webhook_is_signed_with_the_secret_of_its_registration(
    gemini: Gemini, sandbox: SandboxClient, receiver: Receiver
) -> None:
    behave(sandbox, gemini)
    wanted = {"uri": receiver.url, "subscribed_events": ["interaction.completed"]}
    registered = gemini.http.post("/gemini/v1/webhooks", json=wanted).json()
    assert registered["new_signing_secret"] == WEBHOOK_SECRET
    interaction_id = gemini.create()
    (callback,) = receiver.wait_for(1)
    headers = callback.headers
    signature = sign(WEBHOOK_SECRET, headers["webhook-id"], headers["webhook-timestamp"], callback.body)
    assert headers["webhook-signature"] == signature
    assert httpx.Response(200, content=callback.body).json()["data"] == {"id": interaction_id}
    assert error_of(gemini.http.post("/gemini/v1/webhooks", json={"uri": "x"})) == (400, "INVALID_ARGUMENT")


def test_inline_file_equals_the_file_at_the_uri(gemini: Gemini, sandbox: SandboxClient) -> None:
    behave(sandbox, gemini, inline_result=True)
    interaction_id = gemini.create(OMNI)
    inline = base64.b64decode(output_of(gemini.finish(interaction_id))["data"])
    file = gemini.http.get(f"/gemini/v1/files/{interaction_id.removeprefix('v1_')}:download?alt=media").content
    assert hashlib.sha256(inline).digest() == hashlib.sha256(file).digest()
    assert KEY not in str(gemini.read(interaction_id).json())
