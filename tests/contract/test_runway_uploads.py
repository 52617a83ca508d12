"""Sending an uploaded image or video to Runway: in the create, or through a bucket at another address."""

import base64
import json
import traceback
from collections.abc import Iterator
from email import message_from_bytes
from ipaddress import ip_network
from uuid import uuid4

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from providers.adapters.runway.adapter import Runway
from providers.base import Fence, InputFile, ProviderRequest
from providers.http.addresses import AddressPolicy
from providers.http.transport import Transport
from schemas.errors import LeaseLost
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings
from tests.contract.raw_server import Answer, RawServer, Request, dripping, http, raw, silence, unused_port
from tests.contract.test_providers import PAGE

LOOPBACK = AddressPolicy([ip_network("127.0.0.0/8")])
API_KEY = "key_of_our_account"
PICTURE = InputFile(b"\x89PNG\r\n\x1a\n a small picture", "image/png")
CREATED = http(200, b'{"id": "task_1"}')
# The longest `data:` URI is one byte shorter than 5 MiB.
HEAD = len("data:video/mp4;base64,")
MOST = (5 * 1024**2 - 1 - HEAD) // 4 * 3
FIELDS = {"key": "secret-object", "policy": "secret-policy", "x-amz-signature": "secret-signature"}


def video(size: int = MOST + 1) -> InputFile:
    return InputFile(b"\x00\x00\x00\x18ftypisom".ljust(size, b"v"), "video/mp4")


@pytest.fixture
def bucket() -> Iterator[RawServer]:
    with RawServer() as bucket:
        yield bucket


def begun(url: str) -> Answer:
    """Runway's answer with the target of the file."""
    answer = {"runwayUri": "runway://secret-upload", "uploadUrl": f"{url}/uploads?secret-query", "fields": FIELDS}
    return http(200, json.dumps(answer).encode())


def submit(
    server: RawServer,
    *files: InputFile,
    fence: Fence = lambda: None,
    policy: AddressPolicy | None = LOOPBACK,
    timeout: float = 30,
) -> str:
    """Order a video with these files: images, and a video as the last file."""
    urls = [f"upload:{number}" for number in range(len(files))]
    *pictures, clip = urls
    inputs = Inputs(prompt="a boat", image_urls=pictures, video_urls=[clip], duration_seconds=5)
    settings = ProviderSettings(api_key=SecretStr(API_KEY), base_url=server.url, timeout_seconds=timeout)
    transport = Transport(policy=policy)
    try:
        return (
            Runway("runway", settings, transport)
            .submit(
                ProviderRequest("video_to_video/aleph2", inputs, dict(zip(urls, files, strict=True))),
                callback_url=None,
                generation_id=uuid4(),
                fence=fence,
            )
            .remote_id
        )
    finally:
        transport.close()


def failure_of(server: RawServer, *, policy: AddressPolicy | None = LOOPBACK, timeout: float = 30) -> ProviderError:
    """The error of an order with a large video. Checks that it omits the upload's URL, and that no create was sent."""
    with pytest.raises(ProviderError) as caught, capture_logs() as lines:
        submit(server, video(), policy=policy, timeout=timeout)
    told = "".join(traceback.format_exception(caught.value)) + repr(lines)
    assert "secret" not in told
    assert API_KEY not in told
    assert [request.target for request in server.requests] == ["/v1/uploads"]
    return caught.value


def parts_of(upload: Request) -> list[tuple[object, str | None, bytes]]:
    """The parts of a form in order: the name, the file name, and the content of each."""
    form = message_from_bytes(b"Content-Type: " + upload.headers["content-type"].encode() + b"\r\n\r\n" + upload.body)
    return [
        (part.get_param("name", header="Content-Disposition"), part.get_filename(), part.get_payload(decode=True))  # type: ignore[misc]
        for part in form.walk()
        if part is not form
    ]


def test_small_files_are_sent_in_the_create(server: RawServer) -> None:
    server.will(CREATED)
    clip = video(MOST)
    assert submit(server, PICTURE, clip) == "task_1"
    (create,) = server.requests
    sent = json.loads(create.body)
    assert sent["keyframes"] == [
        {"uri": f"data:image/png;base64,{base64.b64encode(PICTURE.content).decode()}", "at": 0.0}
    ]
    assert sent["videoUri"] == f"data:video/mp4;base64,{base64.b64encode(clip.content).decode()}"
    assert len(sent["videoUri"]) < 5 * 1024**2


def test_a_large_file_is_sent_to_the_bucket_of_runway_without_our_key(server: RawServer, bucket: RawServer) -> None:
    server.will(begun(bucket.url), CREATED)
    bucket.will(http(204))
    clip = video()
    with capture_logs() as lines:
        assert submit(server, PICTURE, clip) == "task_1"
    begin, create = server.requests
    assert (begin.method, begin.target) == ("POST", "/v1/uploads")
    assert json.loads(begin.body) == {"filename": "input.mp4", "type": "ephemeral"}
    assert begin.headers["authorization"] == f"Bearer {API_KEY}"
    assert json.loads(create.body)["videoUri"] == "runway://secret-upload"

    (upload,) = bucket.requests
    assert (upload.method, upload.target) == ("POST", "/uploads?secret-query")
    assert not {"authorization", "x-runway-version"} & set(upload.headers)
    assert API_KEY not in repr(upload.headers)
    *fields, file = parts_of(upload)
    assert fields == [(name, None, value.encode()) for name, value in FIELDS.items()]
    assert file == ("file", "input.mp4", clip.content)
    assert "secret" not in repr(lines)
    assert [line["operation"] for line in lines] == ["begin_upload", "upload", "submit"]


def test_only_the_create_calls_the_fence(server: RawServer, bucket: RawServer) -> None:
    server.will(begun(bucket.url))
    bucket.will(http(204))

    def lose() -> None:
        assert len(bucket.requests) == 1
        raise LeaseLost("it is another worker's")

    with pytest.raises(LeaseLost):
        submit(server, video(), fence=lose)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (raw(b""), ProviderUnavailable),
        (http(500, PAGE), ProviderUnavailable),
        (http(200, PAGE), ProviderUnavailable),
        (http(200, b'{"runwayUri": "https://x.example/1", "uploadUrl": "ftp://x", "fields": {}}'), ProviderUnavailable),
        (http(429, b'{"error": "slowly"}', {"Retry-After": "7"}), ProviderRateLimited),
        (http(401, b'{"error": "who?"}'), ProviderAuthFailed),
        (http(400, b'{"error": "You do not have enough credits"}'), ProviderQuotaExceeded),
        (http(400, b'{"error": "no such type"}'), ProviderRejected),
    ],
)
def test_a_refused_upload_is_not_an_unknown_outcome(
    server: RawServer, answer: Answer, expected: type[ProviderError]
) -> None:
    server.will(answer)
    assert type(failure_of(server)) is expected


@pytest.mark.parametrize("status", [302, 400, 401, 403, 500, 503])
def test_a_refusal_of_the_bucket_is_an_outage(server: RawServer, bucket: RawServer, status: int) -> None:
    server.will(begun(bucket.url))
    bucket.will(http(status, PAGE, {"Retry-After": "7", "Location": f"{bucket.url}/elsewhere"}))
    error = failure_of(server)
    assert (type(error), error.retry_after) == (ProviderUnavailable, 7)
    assert error.message == f"runway gave an address for an input file that answered HTTP {status}"
    assert len(bucket.requests) == 1


@pytest.mark.parametrize("hang", [silence, dripping(b"HTTP/1.1 204 No Content\r\nX: ")])
def test_a_hanging_bucket_fails_within_the_time_limit(server: RawServer, bucket: RawServer, hang: Answer) -> None:
    server.will(begun(bucket.url))
    bucket.will(hang)
    assert type(failure_of(server, timeout=3)) is ProviderUnavailable


def test_an_unreachable_bucket_is_an_outage(server: RawServer) -> None:
    server.will(begun(f"http://127.0.0.1:{unused_port()}"))
    assert type(failure_of(server)) is ProviderUnavailable


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_file_is_not_sent_to_a_private_address(server: RawServer, bucket: RawServer, host: str) -> None:
    server.will(begun(f"http://{host}:{bucket.port}"))
    error = failure_of(server, policy=None)
    assert type(error) is ProviderUnavailable
    assert error.message == "runway gave no answer to upload (AddressRefused)"
    assert bucket.connections == 0


def test_a_create_with_a_file_and_no_answer_is_an_unknown_outcome(server: RawServer, bucket: RawServer) -> None:
    server.will(begun(bucket.url), raw(b""))
    bucket.will(http(204))
    with pytest.raises(ProviderOutcomeUnknown):
        submit(server, video())


def test_the_error_omits_a_file_that_a_refusal_quotes(server: RawServer) -> None:
    uri = f"data:image/png;base64,{base64.b64encode(PICTURE.content).decode()}"
    server.will(http(400, json.dumps({"error": f"keyframes.0.uri: {uri} is no picture"}).encode()))
    with pytest.raises(ProviderRejected) as caught:
        submit(server, PICTURE, PICTURE)
    assert caught.value.message == "runway answered submit with HTTP 400: keyframes.0.uri: [link] is no picture"
