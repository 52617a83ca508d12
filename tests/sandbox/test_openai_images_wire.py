import base64
import io
from typing import Any

import av
import httpx
import pytest
from pydantic import JsonValue

from sandbox.client import SandboxClient
from sandbox.media import MediaSpec
from sandbox.openai_errors import OpenAIError
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from sandbox.vendors.openai_images.models import read_create
from tests.sandbox.harness import KEY, OpenAIImages

_SMALL = Delivered(width=64, height=64)


def problem(answer: httpx.Response) -> tuple[int, str, str, str | None, str | None]:
    """The HTTP status, and the content of the envelope."""
    body = answer.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["type"], error["message"], error["param"], error["code"]


def scenario(images: OpenAIImages, sandbox: SandboxClient, **fields: object) -> None:
    match = Match(prompt_contains=images.word)
    sandbox.add_scenario(Scenario.model_validate({"match": match, "delivered": _SMALL, **fields}))


def test_create_is_answered_with_a_link_to_the_picture(images: OpenAIImages, sandbox: SandboxClient) -> None:
    answer = images.post(size="1792x1024", n=1, response_format="url", quality="hd", style="natural")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"created", "data"}
    (picture,) = body["data"]
    assert set(picture) == {"url"}
    with av.open(io.BytesIO(images.http.get(picture["url"]).content)) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (1792, 1024)
    assert sandbox.requests(images.word).accepted == 1


def test_picture_is_in_the_answer_on_request(images: OpenAIImages, sandbox: SandboxClient) -> None:
    scenario(images, sandbox)
    (picture,) = images.post(response_format="b64_json").json()["data"]
    assert set(picture) == {"b64_json"}
    assert base64.b64decode(picture["b64_json"]).startswith(b"\x89PNG")


def test_newer_models_answer_with_the_picture_and_refuse_response_format(
    images: OpenAIImages, sandbox: SandboxClient
) -> None:
    scenario(images, sandbox)
    (picture,) = images.post(model="gpt-image-2.5-flare", size="1536x864").json()["data"]
    assert set(picture) == {"b64_json"}
    refused = images.post(model="gpt-image-2.5-flare", response_format="url")
    assert problem(refused)[0] == 400


@pytest.mark.parametrize(("asked", "made"), [({}, "max"), ({"quality": "auto"}, "max"), ({"quality": "high"}, "high")])
def test_without_a_quality_the_vendor_chooses_the_dearest(
    images: OpenAIImages, sandbox: SandboxClient, asked: dict[str, str], made: str
) -> None:
    scenario(images, sandbox)
    assert images.post(model="gpt-image-2.5-flare", **asked).json()["quality"] == made


@pytest.mark.parametrize("size", ["auto", "1000x1000", "3856x2000", "1600x400", "1024"])
def test_unsupported_size_is_refused(size: str) -> None:
    with pytest.raises(OpenAIError, match="Invalid value for 'size'"):
        read_create({"prompt": "x", "model": "gpt-image-2.5-flare", "size": size})


def test_omitted_fields_have_defaults() -> None:
    assert read_create({"prompt": "x", "model": "dall-e-3"}).spec() == MediaSpec(format="png", width=1024, height=1024)


@pytest.mark.parametrize(
    ("fail_code", "told"),
    [
        ("moderation_blocked", (400, "invalid_request_error", "Blocked", None, "moderation_blocked")),
        ("500", (500, "server_error", "Blocked", None, None)),
    ],
)
def test_failure_is_an_error(
    images: OpenAIImages, sandbox: SandboxClient, fail_code: str, told: tuple[object, ...]
) -> None:
    scenario(images, sandbox, outcome="fail", fail_code=fail_code, fail_msg="Blocked")
    assert problem(images.post()) == told


def test_success_may_have_no_picture(images: OpenAIImages, sandbox: SandboxClient) -> None:
    scenario(images, sandbox, empty_result=True)
    assert images.post().json()["data"] == []


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", KEY])
def test_wrong_key_is_401(images: OpenAIImages, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(base_url=images.http.base_url, headers=headers, trust_env=False) as http:
        stranger = OpenAIImages(http, images.word)
        answers = [stranger.post(), stranger.models()]
    assert [(problem(answer)[0], problem(answer)[4]) for answer in answers] == [(401, "invalid_api_key")] * 2


def test_models_are_listed(images: OpenAIImages) -> None:
    listed = images.models().json()
    assert (listed["object"], [(one["id"], one["object"]) for one in listed["data"]]) == (
        "list",
        [(name, "model") for name in ("dall-e-3", "gpt-image-2.5-flare", "gpt-image-2.6-flare")],
    )


@pytest.mark.parametrize("body", [b"{", b"[]", b""])
def test_body_that_is_not_a_json_object_is_400(images: OpenAIImages, body: bytes) -> None:
    answer = images.http.post("/openai_images/images/generations", content=body)
    assert problem(answer)[:2] == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": "dall-e-3"}, "prompt"),
        ({"prompt": "", "model": "dall-e-3"}, "prompt"),
        ({"prompt": "x" * 4001, "model": "dall-e-3"}, "prompt"),
        ({"prompt": "x"}, "model"),
        ({"prompt": "x", "model": "gpt-image-9"}, "model"),
        ({"prompt": "x", "model": "dall-e-3", "n": 2}, "n"),
        ({"prompt": "x", "model": "dall-e-3", "n": "1"}, "n"),
        ({"prompt": "x", "model": "dall-e-3", "size": "1536x1024"}, "size"),
        ({"prompt": "x", "model": "dall-e-3", "response_format": "png"}, "response_format"),
        ({"prompt": "x", "model": "dall-e-3", "seed": 1}, "seed"),
    ],
)
def test_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(OpenAIError) as refusal:
        read_create(fields)
    assert (refusal.value.code, refusal.value.param) == (400, param)


def test_refused_create_is_counted(images: OpenAIImages, sandbox: SandboxClient) -> None:
    size: JsonValue = "1x1"
    assert problem(images.post(size=size))[0::3] == (400, "size")
    scenario(images, sandbox, create_error=ErrorReply(code=429, msg="Rate limit reached", retry_after=3))
    refused = images.post()
    assert problem(refused)[:3] == (429, "rate_limit_error", "Rate limit reached")
    assert refused.headers["Retry-After"] == "3"
    assert sandbox.requests(images.word).refused_by_code == {400: 1, 429: 1}


def test_create_with_a_lost_reply_was_accepted(images: OpenAIImages, sandbox: SandboxClient) -> None:
    scenario(images, sandbox, create_reply="drop")
    with pytest.raises(httpx.RemoteProtocolError):
        images.post()
    assert sandbox.requests(images.word).accepted == 1
