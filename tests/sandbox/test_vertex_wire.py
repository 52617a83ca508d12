"""The sandbox answers as Google's client and pages say."""

import base64
import io
import time
from typing import Any

import av
import httpx
import jwt
import pytest
from pydantic import JsonValue

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from tests.sandbox.harness import KEY, VEO, Kie, Vertex, eventually

SMALL = Delivered(width=64, height=64, duration_seconds=1)
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(autouse=True)
def _small_files(sandbox: SandboxClient, word: str) -> None:
    misbehave(sandbox, word)


@pytest.fixture
def picture(kie: Kie) -> dict[str, JsonValue]:
    content = kie.http.get(kie.result_url(kie.create())).content
    return {"bytesBase64Encoded": base64.b64encode(content).decode(), "mimeType": "image/png"}


def misbehave(sandbox: SandboxClient, word: str, **fields: Any) -> None:
    scenario = {"match": Match(prompt_contains=word), "delivered": SMALL, **fields}
    sandbox.add_scenario(Scenario.model_validate(scenario))


def problem(answer: httpx.Response) -> tuple[int, str, str]:
    """The content of the envelope, whose code must equal the HTTP status."""
    body = answer.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) == {"code", "message", "status"}
    assert error["code"] == answer.status_code
    return error["code"], error["status"], error["message"]


def is_video(content: bytes) -> bool:
    with av.open(io.BytesIO(content)) as file:
        return file.streams.video[0].width == 64


def test_text_gives_an_operation_whose_end_has_the_video(vertex: Vertex, sandbox: SandboxClient) -> None:
    name = vertex.create(durationSeconds=4, aspectRatio="9:16", resolution="1080p", seed=7, negativePrompt="haze")
    assert name.startswith("projects/sandbox-project/locations/us-central1/publishers/google/models/" + VEO)
    done = vertex.finish(name)
    (video,) = done["response"].pop("videos")
    assert done == {"name": name, "done": True, "response": {"raiMediaFilteredCount": 0}}
    assert (set(video), video["mimeType"]) == ({"bytesBase64Encoded", "mimeType"}, "video/mp4")
    assert is_video(base64.b64decode(video["bytesBase64Encoded"], validate=True))
    assert sandbox.requests(vertex.word).accepted == 1


def test_running_operation_has_only_its_name(vertex: Vertex, sandbox: SandboxClient) -> None:
    misbehave(sandbox, vertex.word, seconds=3600)
    name = vertex.create()
    assert vertex.read(name).json() == {"name": name}


def test_bucket_receives_the_video_and_any_token_can_fetch_it(vertex: Vertex) -> None:
    done = vertex.finish(vertex.create(storageUri="gs://films/veo/"))
    (video,) = done["response"]["videos"]
    assert (set(video), video["mimeType"]) == ({"gcsUri", "mimeType"}, "video/mp4")
    assert video["gcsUri"].startswith("gs://films/veo/")
    fetched = vertex.object(video["gcsUri"])
    assert fetched.headers["Content-Type"] == "video/mp4"
    assert is_video(fetched.content)
    assert problem(vertex.object(video["gcsUri"], alt="json"))[0] == 400
    assert problem(vertex.object("gs://films/veo/nothing.mp4"))[0] == 404
    vertex.http.headers["Authorization"] = "Bearer other"
    assert problem(vertex.object(video["gcsUri"]))[:2] == (401, "UNAUTHENTICATED")


def test_pictures_and_videos_come_as_base64_or_from_a_bucket(
    vertex: Vertex, sandbox: SandboxClient, picture: dict[str, JsonValue]
) -> None:
    instances: list[dict[str, JsonValue]] = [
        {"image": picture},
        {"image": picture, "lastFrame": picture},
        {"referenceImages": [{"image": picture, "referenceType": "asset"} for _ in range(3)]},
    ]
    for instance in instances:
        assert vertex.finish(vertex.create(instance))["response"]["videos"]
    first = vertex.finish(vertex.create(storageUri="gs://films"))["response"]["videos"][0]
    extended = vertex.create({"video": first}, durationSeconds=7)
    assert vertex.finish(extended)["response"]["videos"]
    kept = [task.request.get("instances") for task in sandbox.tasks(vertex.word)]
    assert "iVBOR" not in repr(kept)


REFUSED: list[tuple[str, dict[str, JsonValue], dict[str, JsonValue]]] = [
    ("an unknown parameter", {}, {"duration": 8}),
    ("another length", {}, {"durationSeconds": 5}),
    ("a length as text", {}, {"durationSeconds": "8"}),
    ("the length of an extension", {}, {"durationSeconds": 7}),
    ("another shape", {}, {"aspectRatio": "1:1"}),
    ("another resolution", {}, {"resolution": "1K"}),
    ("another frame rate", {}, {"fps": 30}),
    ("a seed beyond 32 bits", {}, {"seed": 2**32}),
    ("no enhancing", {}, {"enhancePrompt": False}),
    ("a bucket that is none", {}, {"storageUri": "https://films"}),
    ("an empty prompt", {"prompt": ""}, {}),
    ("an unknown field", {"picture": "x"}, {}),
    ("what is not base64", {"image": {"bytesBase64Encoded": "?", "mimeType": "image/png"}}, {}),
    ("what is no picture", {"image": {"bytesBase64Encoded": "AAAA", "mimeType": "image/png"}}, {}),
    ("a picture without a type", {"image": {"bytesBase64Encoded": "AAAA"}}, {}),
    ("a picture of no known type", {"image": {"bytesBase64Encoded": "AAAA", "mimeType": "image/gif"}}, {}),
    ("an object that is not there", {"image": {"gcsUri": "gs://films/1.png", "mimeType": "image/png"}}, {}),
    ("a last frame alone", {"lastFrame": {"bytesBase64Encoded": "AAAA", "mimeType": "image/png"}}, {}),
    (
        "a video with a picture",
        {
            "image": {"bytesBase64Encoded": "AAAA", "mimeType": "image/png"},
            "video": {"bytesBase64Encoded": "AAAA", "mimeType": "video/mp4"},
        },
        {},
    ),
    ("a short extension", {"video": {"bytesBase64Encoded": "AAAA", "mimeType": "video/mp4"}}, {"durationSeconds": 8}),
    ("a large extension", {"video": {"bytesBase64Encoded": "AAAA", "mimeType": "video/mp4"}}, {"resolution": "1080p"}),
]


@pytest.mark.parametrize(("instance", "parameters"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_invalid_create_is_refused(
    vertex: Vertex, sandbox: SandboxClient, instance: dict[str, JsonValue], parameters: dict[str, JsonValue]
) -> None:
    assert problem(vertex.post(instance, parameters))[:2] == (400, "INVALID_ARGUMENT")
    assert sandbox.tasks(vertex.word) == []


def test_other_models_projects_and_tokens_are_refused(vertex: Vertex) -> None:
    assert problem(vertex.post(model="veo-2.0-generate-001"))[:2] == (404, "NOT_FOUND")
    body: JsonValue = {"instances": [{"prompt": "a boat"}]}
    assert problem(vertex.call("predictLongRunning", body, project="other"))[:2] == (403, "PERMISSION_DENIED")
    assert problem(vertex.call("predictLongRunning", []))[:2] == (400, "INVALID_ARGUMENT")
    for authorization in ("Bearer other", f"Basic {KEY}", ""):
        vertex.http.headers["Authorization"] = authorization
        assert problem(vertex.post())[:2] == (401, "UNAUTHENTICATED")


def test_operation_is_read_only_with_its_model_and_full_name(vertex: Vertex) -> None:
    name = vertex.create()
    assert problem(vertex.read(f"{name}x"))[:2] == (404, "NOT_FOUND")
    assert problem(vertex.read(name, model="veo-3.1-fast-generate-001"))[0] == 400
    assert problem(vertex.call("fetchPredictOperation", {"operationName": name, "x": 1}))[0] == 400


def test_creates_beyond_the_limit_a_minute_are_refused(vertex: Vertex, sandbox: SandboxClient) -> None:
    misbehave(sandbox, vertex.word, seconds=3600)
    assert [vertex.post().status_code for _ in range(50)] == [200] * 50
    assert problem(vertex.post())[:2] == (429, "RESOURCE_EXHAUSTED")
    assert vertex.post(model="veo-3.1-fast-generate-001").status_code == 200


@pytest.mark.parametrize(
    ("fields", "ended"),
    [
        ({"fail_code": "8", "fail_msg": "busy"}, {"error": {"code": 8, "message": "busy"}}),
        ({"fail_msg": "broken"}, {"error": {"code": 13, "message": "broken"}}),
        (
            {"fail_code": "rai", "fail_msg": "a child"},
            {"response": {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["a child"]}},
        ),
    ],
)
def test_failure_is_an_error_and_a_filtered_video_is_absent(
    vertex: Vertex, sandbox: SandboxClient, fields: dict[str, JsonValue], ended: dict[str, JsonValue]
) -> None:
    misbehave(sandbox, vertex.word, outcome="fail", **fields)
    name = vertex.create()
    assert vertex.finish(name) == {"name": name, "done": True, **ended}


def test_creates_and_reads_fail_as_the_scenario_says(vertex: Vertex, sandbox: SandboxClient) -> None:
    misbehave(
        sandbox,
        vertex.word,
        create_error=ErrorReply(code=503, msg="later", retry_after=3),
        poll_error=ErrorReply(code=500, msg="oh"),
        state_word="paused",
    )
    refused = vertex.post()
    assert problem(refused) == (503, "UNAVAILABLE", "later")
    assert refused.headers["Retry-After"] == "3"
    name = vertex.create()
    assert problem(vertex.read(name)) == (500, "INTERNAL", "oh")
    eventually(lambda: sandbox.tasks(vertex.word)[0].completed_at is not None)
    assert vertex.read(name).json() == {"name": name, "done": "paused"}


def assertion(key: dict[str, str], **changes: JsonValue) -> str:
    now = int(time.time())
    claims = {
        "iss": key["client_email"],
        "aud": "https://oauth2.googleapis.com/token",
        "scope": SCOPE,
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    return jwt.encode(claims, key["private_key"], algorithm="RS256")


def test_service_account_exchanges_its_assertion_for_a_token(vertex: Vertex) -> None:
    key: dict[str, str] = vertex.http.get("/vertex/service_account.json").json()
    assert key["token_uri"] == str(vertex.http.base_url.join("/vertex/token"))
    form = {"grant_type": GRANT_TYPE, "assertion": assertion(key)}
    answer = vertex.http.post(key["token_uri"], data=form, headers={"Authorization": ""}).json()
    assert (answer["expires_in"], answer["token_type"]) == (3599, "Bearer")
    vertex.http.headers["Authorization"] = f"Bearer {answer['access_token']}"
    assert vertex.post().status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": 1}, "invalid_grant"),
        ({"iss": "other@sandbox-project.iam.gserviceaccount.com"}, "invalid_grant"),
        ({"aud": "https://other.example/token"}, "invalid_grant"),
        ({"scope": "email"}, "invalid_scope"),
    ],
)
def test_assertion_with_wrong_claims_gets_no_token(vertex: Vertex, changes: dict[str, JsonValue], code: str) -> None:
    key: dict[str, str] = vertex.http.get("/vertex/service_account.json").json()
    form = {"grant_type": GRANT_TYPE, "assertion": assertion(key, **changes)}
    refused = vertex.http.post("/vertex/token", data=form)
    assert (refused.status_code, refused.json()["error"]) == (400, code)
    form["grant_type"] = "password"
    assert vertex.http.post("/vertex/token", data=form).json()["error"] == "unsupported_grant_type"


def test_assertion_signed_with_another_key_gets_no_token(vertex: Vertex, sandbox: SandboxClient) -> None:
    key: dict[str, str] = vertex.http.get("/vertex/service_account.json").json()
    sandbox.reset()
    form = {"grant_type": GRANT_TYPE, "assertion": assertion(key)}
    refused = vertex.http.post("/vertex/token", data=form)
    assert refused.json() == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
