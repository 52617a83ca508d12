import base64
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.vertex.adapter import Vertex
from providers.adapters.vertex.wire import Operation, to_body, to_state
from providers.base import (
    AccountState,
    Cancellation,
    InputFile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
    ResultRequest,
)
from providers.http.transport import Transport
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused, InvalidSettings
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

VEO = "veo-3.1-generate-001"
PROMPT = "a lighthouse in fog"
INPUTS = Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=8, audio=False)
MODEL_PATH = f"projects/films/locations/us-central1/publishers/google/models/{VEO}"
NAME = f"{MODEL_PATH}/operations/8f1c"
REMOTE = RemoteRef(NAME, VEO)
HOST = "https://us-central1-aiplatform.googleapis.com"
INLINE = f"{HOST}/v1/{NAME}"
TOKEN = "ya29.token"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
FIRST, LAST = "https://media.example/1.png", "https://media.example/2.jpg"
FILES = {FIRST: InputFile(b"first", "image/png"), LAST: InputFile(b"last", "image/jpeg")}


def account(
    reply: object = None,
    *,
    status: int = 200,
    requests: list[httpx.Request] | None = None,
    options: dict[str, str] | None = None,
) -> Vertex:
    """An account whose calls all get this JSON as the answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            request.read()
            requests.append(request)
        return httpx.Response(status, json=reply)

    told = {name: SecretStr(value) for name, value in {"project": "films", **(options or {})}.items()}
    settings = ProviderSettings(api_key=SecretStr(TOKEN), options=told)
    return Vertex("films", settings, Transport(http=httpx.MockTransport(answer)))


def submit(vertex: Vertex, inputs: Inputs = INPUTS, model: str = VEO) -> str:
    request = ProviderRequest(model, inputs, FILES)
    return vertex.submit(
        request, callback_url="https://gw.example/callbacks/1", generation_id=uuid4(), fence=lambda: None
    ).remote_id


def body_of(inputs: Inputs, model: str = VEO, *, storage_uri: str | None = None) -> dict[str, Any]:
    return to_body(model, inputs, FILES, storage_uri=storage_uri)


def state_of(**fields: Any) -> RemoteState:
    return to_state("films", Operation.model_validate({"name": NAME, **fields}), inline_link=INLINE)


def ended(**response: Any) -> RemoteState:
    return state_of(done=True, response=response)


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_the_fields_of_an_order() -> None:
    inputs = INPUTS.model_copy(update={"seed": 7, "negative_prompt": "haze", "audio": True})
    assert body_of(inputs, storage_uri="gs://films/veo/") == {
        "instances": [{"prompt": PROMPT}],
        "parameters": {
            "sampleCount": 1,
            "durationSeconds": 8,
            "aspectRatio": "16:9",
            "resolution": "720p",
            "generateAudio": True,
            "seed": 7,
            "negativePrompt": "haze",
            "storageUri": "gs://films/veo/",
        },
    }


def test_omitted_inputs_are_not_sent_and_silence_is_sent() -> None:
    parameters = body_of(INPUTS)["parameters"]
    assert set(parameters) == {"sampleCount", "durationSeconds", "aspectRatio", "resolution", "generateAudio"}
    assert parameters["generateAudio"] is False


def test_one_picture_is_the_first_frame_and_a_second_one_the_last() -> None:
    first = {"bytesBase64Encoded": base64_of(b"first"), "mimeType": "image/png"}
    last = {"bytesBase64Encoded": base64_of(b"last"), "mimeType": "image/jpeg"}
    one = INPUTS.model_copy(update={"image_urls": [FIRST]})
    two = INPUTS.model_copy(update={"image_urls": [FIRST, LAST]})
    assert body_of(one)["instances"] == [{"prompt": PROMPT, "image": first}]
    assert body_of(two)["instances"] == [{"prompt": PROMPT, "image": first, "lastFrame": last}]


def test_an_extension_sends_the_video() -> None:
    video = "https://media.example/1.mp4"
    inputs = INPUTS.model_copy(update={"video_urls": [video], "duration_seconds": 7})
    body = to_body(f"{VEO}/extend", inputs, {video: InputFile(b"video", "video/mp4")}, storage_uri=None)
    media = {"bytesBase64Encoded": base64_of(b"video"), "mimeType": "video/mp4"}
    assert body["instances"] == [{"prompt": PROMPT, "video": media}]


@pytest.mark.parametrize("model", ["veo-2.0-generate-001", f"{VEO}/mask"])
def test_an_old_order_of_an_unsupported_model_is_rejected(model: str) -> None:
    with pytest.raises(ProviderRejected, match="is not served any more"):
        body_of(INPUTS, model)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
        ("global", "https://aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_each_location_has_a_host_and_a_path(location: str, host: str) -> None:
    requests: list[httpx.Request] = []
    name = NAME.replace("us-central1", location)
    vertex = account({"name": name}, requests=requests, options={"location": location})
    assert submit(vertex) == name
    vertex.poll(RemoteRef(name, VEO))
    path = f"{host}/v1/projects/films/locations/{location}/publishers/google/models/{VEO}"
    assert [str(request.url) for request in requests] == [f"{path}:predictLongRunning", f"{path}:fetchPredictOperation"]
    assert json.loads(requests[1].content) == {"operationName": name}


def test_an_extension_is_ordered_of_the_model_itself() -> None:
    requests: list[httpx.Request] = []
    vertex = account({"name": NAME}, requests=requests)
    submit(vertex, INPUTS.model_copy(update={"video_urls": [FIRST]}), f"{VEO}/extend")
    assert requests[0].url.path == f"/v1/{MODEL_PATH}:predictLongRunning"


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        ({"project": ""}, "PROJECT"),
        ({"project": "films/x"}, "PROJECT"),
        ({"location": "x.example/"}, "LOCATION"),
        ({"storage_uri": "films"}, "STORAGE_URI"),
        ({"bucket": "films"}, "BUCKET"),
    ],
)
def test_an_invalid_option_is_refused_with_its_variable(options: dict[str, str], variable: str) -> None:
    with pytest.raises(InvalidSettings, match=f"^REELWORKS_PROVIDERS__FILMS__OPTIONS__{variable}: "):
        account(options=options)


@pytest.mark.parametrize(
    "name",
    [
        "operations/1",
        f"{NAME}/../x",
        f"{MODEL_PATH}/operations/..",
        f"{NAME}?x=1",
        f"{NAME}\n",
        f"https://other.example/{NAME}",
    ],
)
def test_a_malformed_operation_name_is_an_unknown_outcome(name: str) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account({"name": name}))


@pytest.mark.parametrize("status", [400, 500])
def test_an_error_and_an_operation_at_once_is_an_unknown_outcome(status: int) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account({"name": NAME, "error": {"code": status}}, status=status))


def test_an_operation_name_can_contain_the_projects_number() -> None:
    numbered = NAME.replace("projects/films", "projects/123456")
    assert account({"name": numbered}).poll(REMOTE).status is RemoteStatus.RUNNING


@pytest.mark.parametrize("fields", [{}, {"done": False}, {"done": None, "metadata": {}}])
def test_an_operation_that_is_not_done_is_running(fields: dict[str, Any]) -> None:
    assert state_of(**fields) == RemoteState(RemoteStatus.RUNNING)


@pytest.mark.parametrize(
    ("done", "status"),
    [
        ("true", RemoteStatus.FAILED),
        (1, RemoteStatus.FAILED),
        ("false", RemoteStatus.RUNNING),
        (0, RemoteStatus.RUNNING),
        ({}, RemoteStatus.UNKNOWN),
        ("soon", RemoteStatus.UNKNOWN),
    ],
)
def test_other_values_of_done(done: object, status: RemoteStatus) -> None:
    assert state_of(done=done).status is status


@pytest.mark.parametrize(
    ("video", "link"),
    [
        ({"gcsUri": "gs://films/veo/1/sample_0.mp4", "mimeType": "video/mp4"}, "gs://films/veo/1/sample_0.mp4"),
        ({"bytesBase64Encoded": "", "mimeType": "video/mp4"}, INLINE),
        ({"bytesBase64Encoded": "AAAA"}, INLINE),
    ],
)
def test_a_video_is_in_a_bucket_or_in_the_answer(video: dict[str, str], link: str) -> None:
    assert ended(videos=[video]) == RemoteState(RemoteStatus.SUCCEEDED, result_urls=[link])


@pytest.mark.parametrize(
    "response",
    [
        {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["A child at the sea"]},
        {"videos": [], "raiMediaFilteredReasons": ["A child at the sea"]},
        {"raiMediaFilteredCount": 1},
    ],
)
def test_a_video_that_the_safety_filter_removes_is_content_rejected(response: dict[str, Any]) -> None:
    reason = "A child at the sea" if "raiMediaFilteredReasons" in response else "no reason given"
    assert ended(**response) == RemoteState(
        RemoteStatus.FAILED,
        error_code=ErrorCode.CONTENT_REJECTED,
        error_message=f"films's safety filter took it away: {reason}",
    )


def test_a_video_is_delivered_although_the_filter_removed_another() -> None:
    state = ended(raiMediaFilteredCount=1, videos=[{"gcsUri": "gs://films/1.mp4"}])
    assert state.result_urls == ["gs://films/1.mp4"]


@pytest.mark.parametrize("fields", [{}, {"response": None}, {"response": {"videos": [{}]}}])
def test_success_without_a_video_is_a_failure(fields: dict[str, Any]) -> None:
    state = state_of(done=True, **fields)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message == "films reported success without a result"


@pytest.mark.parametrize("response", ["x", [1], {"videos": "x"}, {"videos": [{"gcsUri": "films/1.mp4"}, "x"]}])
def test_a_result_without_a_link_fails_at_once(response: object) -> None:
    state = state_of(done=True, response=response)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


@pytest.mark.parametrize("fields", [{"done": True}, {}], ids=["done", "without done"])
@pytest.mark.parametrize("name", ["gcsUri", "uri"])
def test_a_result_on_the_web_is_fetched_there(name: str, fields: dict[str, object]) -> None:
    videos = [{name: "https://x.example/1.mp4"}]
    assert state_of(**fields, response={"videos": videos}).result_urls == ["https://x.example/1.mp4"]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"code": 3, "message": "Bad length"}, ErrorCode.PROVIDER_REJECTED, "films refused it: Bad length"),
        ({"code": 8, "message": "Busy"}, ErrorCode.PROVIDER_UNAVAILABLE, "films had no room for it: Busy"),
        ({"code": 14, "message": "Away"}, ErrorCode.PROVIDER_UNAVAILABLE, "films was not there for it: Away"),
        ({"code": 13, "message": "Oh"}, ErrorCode.PROVIDER_FAILED, "films could not generate it: Oh"),
        ({"code": 3.5}, ErrorCode.PROVIDER_FAILED, "films could not generate it: no reason given"),
        ("x", ErrorCode.PROVIDER_FAILED, "films could not generate it: x"),
        (["x", {"message": "y"}], ErrorCode.PROVIDER_FAILED, "films could not generate it: x; y"),
    ],
)
def test_a_failed_operation_has_a_reason(error: object, code: ErrorCode, message: str) -> None:
    assert state_of(done=True, error=error) == RemoteState(RemoteStatus.FAILED, error_code=code, error_message=message)


def test_an_object_is_fetched_from_cloud_storage_with_our_token() -> None:
    options = {"storage_uri": "gs://films/veo"}
    wanted = account(options=options).result_request("gs://films/veo #1/?/sample_0.mp4")
    url = "https://storage.googleapis.com/storage/v1/b/films/o/veo%20%231%2F%3F%2Fsample_0.mp4?alt=media"
    assert wanted == ResultRequest(url, headers=AUTHORIZED)


def test_an_object_is_fetched_from_the_accounts_storage_url() -> None:
    wanted = account(
        options={"storage_url": "http://127.0.0.1:8090/vertex/", "storage_uri": "gs://films/"}
    ).result_request("gs://films/1.mp4")
    assert wanted.url == "http://127.0.0.1:8090/vertex/storage/v1/b/films/o/1.mp4?alt=media"


@pytest.mark.parametrize("storage_uri", [None, "gs://films/", "gs://another-one/", "gs://anothe"])
def test_an_object_in_another_bucket_is_not_fetched_with_our_token(storage_uri: str | None) -> None:
    options = {} if storage_uri is None else {"storage_uri": storage_uri}
    with pytest.raises(ProviderBadResponse, match="where it was not told to"):
        account(options=options).result_request("gs://another/1.mp4")


def test_a_video_in_the_answer_is_fetched_by_reading_the_operation() -> None:
    assert account().result_request(INLINE) == ResultRequest(
        f"{HOST}/v1/{MODEL_PATH}:fetchPredictOperation",
        headers=AUTHORIZED,
        body={"operationName": NAME},
        embedded_in="bytesBase64Encoded",
    )


@pytest.mark.parametrize("link", ["https://other.example/v1/x", f"{HOST}.evil.example/v1/{NAME}", "https://gs://x/1"])
def test_our_token_is_sent_to_no_other_host(link: str) -> None:
    assert account().result_request(link) == ResultRequest(link)


def google_error(code: int, status: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": []}}


@pytest.mark.parametrize(
    ("status", "word", "expected"),
    [
        (400, "INVALID_ARGUMENT", ProviderRejected),
        (404, "NOT_FOUND", ProviderUnavailable),
        (429, "RESOURCE_EXHAUSTED", ProviderRateLimited),
        (500, "INTERNAL", ProviderOutcomeUnknown),
    ],
)
def test_a_refused_create(status: int, word: str, expected: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        submit(account(google_error(status, word, f"{PROMPT} is no good"), status=status))
    assert type(caught.value) is expected


def test_a_refusal_is_quoted_without_the_prompt() -> None:
    with pytest.raises(ProviderRejected, match=r"HTTP 400: \[…\] is no good at \[link\]$"):
        submit(account(google_error(400, "INVALID_ARGUMENT", f"{PROMPT} is no good at https://x.example"), status=400))


def test_the_error_of_a_retired_model_quotes_google() -> None:
    with pytest.raises(ProviderUnavailable, match="HTTP 404: Publisher Model was not found"):
        submit(account(google_error(404, "NOT_FOUND", "Publisher Model was not found"), status=404))


def test_look_ups_cancels_and_callbacks_are_unsupported() -> None:
    vertex = account()
    assert vertex.cancel(REMOTE) is Cancellation.IMPOSSIBLE
    assert vertex.look_up(uuid4()) is None
    with pytest.raises(CallbackRefused):
        vertex.read_callback({}, b"{}")


def test_a_check_lists_cached_contents() -> None:
    requests: list[httpx.Request] = []
    assert account({}, requests=requests).check() == AccountState()
    assert str(requests[0].url) == f"{HOST}/v1/projects/films/locations/us-central1/cachedContents?pageSize=1"
