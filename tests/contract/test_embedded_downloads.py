"""Results that a vendor embeds in its JSON, from a host that cuts, and status reads that leave them out."""

import base64
import hashlib
import json

import pytest

from providers.base import ResultRequest
from providers.files.downloads import Download, open_download
from providers.http import transport
from providers.http.calls import Call, Reply
from providers.http.transport import Transport
from schemas.enums import Kind
from schemas.errors import DownloadError
from schemas.provider_errors import ProviderOutcomeUnknown
from schemas.setting_groups import DownloadSettings
from tests.contract.raw_server import RawServer, http, raw, response
from tests.contract.test_downloads import FILE, SHA256, settings

TEXT = base64.b64encode(FILE).decode()
ANSWER = json.dumps({"done": True, "videos": [{"bytes": TEXT, "mime": "image/png"}]}).encode()
BODY = {"operationName": "operations/1"}


def opened(server: RawServer, limits: DownloadSettings | None = None) -> Download:
    wanted = ResultRequest(f"{server.url}/operation", headers={"X-Key": "1"}, body=BODY, embedded_in="bytes")
    return open_download(wanted, limits or settings(), kind=Kind.IMAGE)


def test_an_embedded_file_is_decoded_during_the_download(server: RawServer) -> None:
    server.will(http(200, ANSWER, {"Content-Type": "application/json"}))
    with opened(server) as download:
        assert download.content_type == "image/png"
        assert download.size_bytes is None
        assert download.read() == FILE
        assert (download.received_bytes, download.sha256) == (len(FILE), SHA256)
    (request,) = server.requests
    assert (request.method, json.loads(request.body), request.headers["x-key"]) == ("POST", BODY, "1")


def test_after_a_lost_connection_the_answer_is_read_again_and_its_beginning_skipped(server: RawServer) -> None:
    whole = response(200, ANSWER, {"ETag": '"1"'})
    server.will(raw(whole[: len(whole) // 2]), http(200, ANSWER, {"ETag": '"1"'}))
    with opened(server) as download:
        assert download.read() == FILE
        assert (download.sha256, download.resumes) == (SHA256, 1)
    assert [request.headers.get("range") for request in server.requests] == [None, None]


def test_a_changed_file_in_the_second_answer_fails_the_download(server: RawServer) -> None:
    whole = response(200, ANSWER, {})
    other = ANSWER.replace(TEXT.encode(), base64.b64encode(FILE[::-1]))
    server.will(raw(whole[: len(whole) // 2]), http(200, other))
    with pytest.raises(DownloadError, match="the file changed"), opened(server) as download:
        download.read()


def test_a_post_follows_no_redirect(server: RawServer) -> None:
    server.will(http(307, headers={"Location": f"{server.url}/elsewhere"}))
    with pytest.raises(DownloadError, match="HTTP 307"):
        opened(server)
    assert len(server.requests) == 1


def test_the_size_limit_applies_to_the_decoded_file(server: RawServer) -> None:
    server.will(http(200, ANSWER))
    with pytest.raises(DownloadError, match=f"larger than {len(FILE) - 1} bytes"):
        opened(server, settings(max_bytes=len(FILE) - 1)).read()


def test_a_status_read_elides_a_file_of_any_size(server: RawServer) -> None:
    huge = b'{"done": true, "bytes": "' + b"QUFB" * 3_000_000 + b'", "mime": "video/mp4"}'
    server.will(http(200, huge))
    call = Call(
        provider="vendor",
        operation="poll",
        method="POST",
        url=server.url,
        timeout_seconds=30,
        body=BODY,
        elide="bytes",
    )
    reply = Transport().send(call)
    assert json.loads(reply.content) == {"done": True, "bytes": "", "mime": "video/mp4"}


def test_a_file_of_many_megabytes_is_decoded_whole(server: RawServer) -> None:
    large = FILE * 40
    server.will(http(200, json.dumps({"bytes": base64.b64encode(large).decode()}).encode()))
    with opened(server) as download:
        while download.read(1024 * 1024):
            pass
        assert download.sha256 == hashlib.sha256(large).hexdigest()


def created(server: RawServer) -> Reply:
    call = Call(
        provider="vendor",
        operation="submit",
        method="POST",
        url=server.url,
        timeout_seconds=30,
        body=BODY,
        fence=lambda: None,
        elide="bytes",
        keeps_file=True,
    )
    return Transport().send(call)


def test_a_create_keeps_the_file_of_its_answer(server: RawServer) -> None:
    server.will(http(200, ANSWER))
    reply = created(server)
    assert (reply.file, json.loads(reply.content)["videos"]) == (FILE, [{"bytes": "", "mime": "image/png"}])


@pytest.mark.parametrize("text", ["!" * 2000, TEXT[:2001]], ids=["not base64", "odd"])
def test_a_text_that_is_not_base64_is_no_file(server: RawServer, text: str) -> None:
    server.will(http(200, json.dumps({"bytes": text}).encode()))
    reply = created(server)
    assert (reply.file, json.loads(reply.content)) == (b"", {"bytes": ""})


def test_a_create_keeps_only_the_first_file(server: RawServer) -> None:
    server.will(http(200, json.dumps({"files": [{"bytes": TEXT}, {"bytes": TEXT}]}).encode()))
    assert created(server).file == FILE


def test_a_create_keeps_the_file_of_a_data_uri(server: RawServer) -> None:
    server.will(http(200, json.dumps({"files": ["no file", f"data:image/png;base64,{TEXT}"]}).encode()))
    reply = created(server)
    assert (reply.file, json.loads(reply.content)) == (FILE, {"files": ["no file", ""]})


def test_a_create_with_too_large_an_answer_is_an_unknown_outcome(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_FILE_BYTES", len(FILE) - 1)
    server.will(http(200, ANSWER))
    with pytest.raises(ProviderOutcomeUnknown, match=f"more than {len(FILE) - 1} bytes"):
        created(server)


def test_a_create_whose_file_does_not_end_is_left_at_the_limit(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_FILE_BYTES", len(FILE) - 1)
    begin = response(200, b'{"bytes": "' + TEXT.encode() * 1000, {"Content-Length": "1000000000"})
    server.will(raw(begin))
    with pytest.raises(ProviderOutcomeUnknown, match=f"more than {len(FILE) - 1} bytes"):
        created(server)


@pytest.mark.parametrize(("content", "is_read"), [("[" + "0," * 200_000 + "0]", False), (f'["{"," * 200_000}"]', True)])
def test_values_count_and_commas_in_texts_do_not(server: RawServer, content: str, is_read: bool) -> None:
    server.will(http(200, content.encode()))
    if is_read:
        assert created(server).content == content.encode()
    else:
        with pytest.raises(ProviderOutcomeUnknown, match="commas and brackets"):
            created(server)
