"""Downloads from a host that cuts, stalls, lies and redirects."""

import hashlib
import logging
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any

import pytest

from providers.base import ResultRequest
from providers.files import result_source
from providers.files.downloads import MAX_RESUMES, Download, open_download
from schemas.enums import Kind
from schemas.errors import DownloadError, SlowSource, WrongFile
from schemas.media_types import MP4, PNG
from schemas.setting_groups import DownloadSettings
from tests.contract.raw_server import RawServer, dripping, http, raw, response, silence, stalled, unused_port
from tests.support import own_logs, own_records

FILE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 1000
SHA256 = hashlib.sha256(FILE).hexdigest()
CUT = 100_000
ETAG = '"version-1"'
VALIDATED = {"ETag": ETAG}
LOOPBACK = ip_network("127.0.0.0/8")
SECRET_QUERY = "?signature=secret-signature"


def settings(**changes: Any) -> DownloadSettings:
    return DownloadSettings.model_validate({"allowed_private_networks": [LOOPBACK], **changes})


def opened(server: RawServer, *, headers: Mapping[str, str] | None = None, **changes: Any) -> Download:
    wanted = ResultRequest(f"{server.url}/1.png{SECRET_QUERY}", headers=headers or {})
    return open_download(wanted, settings(**changes), kind=Kind.IMAGE)


def cut_file(headers: Mapping[str, str], *, body: bytes = FILE, at: int = CUT) -> bytes:
    return response(200, body, headers)[: len(response(200, body, headers)) - len(body) + at]


def part(start: int, *, body: bytes = FILE, headers: Mapping[str, str] | None = None) -> bytes:
    content_range = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
    return response(206, body[start:], {**VALIDATED, **content_range, **(headers or {})})


def test_no_log_line_holds_the_link(server: RawServer, caplog: pytest.LogCaptureFixture) -> None:
    redirect = http(302, headers={"Location": f"/2.png{SECRET_QUERY}"})
    server.will(redirect, raw(cut_file(VALIDATED)), redirect, raw(part(CUT)))
    with caplog.at_level(logging.DEBUG), own_logs() as lines, opened(server) as download:
        download.read()
    assert lines == [
        {
            "event": "download_resumed",
            "log_level": "info",
            "received_bytes": CUT,
            "failure": "RemoteProtocolError",
        }
    ]
    assert own_records(caplog) == []


def failure_of(server: RawServer, **changes: Any) -> DownloadError:
    """The error of a download. Checks that it contains no secret of the link."""
    with pytest.raises(DownloadError) as caught, opened(server, **changes) as download:
        download.read()
    assert "secret" not in str(caught.value)
    return caught.value


def test_a_whole_file(server: RawServer) -> None:
    server.will(http(200, FILE, {"Content-Type": "text/html"}))
    with opened(server) as download:
        assert (download.size_bytes, download.content_type, download.media) == (len(FILE), "image/png", PNG)
        assert download.read(10) == FILE[:10]
        assert download.read(len(FILE)) == FILE[10:]
        assert download.read(1) == b""
        assert (download.received_bytes, download.sha256, download.resumes) == (len(FILE), SHA256, 0)
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert "range" not in server.requests[0].headers


def test_a_file_of_unknown_size(server: RawServer) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(FILE), FILE)
    server.will(raw(chunked))
    with opened(server) as download:
        assert download.size_bytes is None
        assert download.read() == FILE
        assert download.sha256 == SHA256


def test_a_file_smaller_than_the_head_that_is_sniffed(server: RawServer) -> None:
    server.will(http(200, FILE[:8]))
    with opened(server) as download:
        assert download.read(100) == FILE[:8]


def test_reads_are_full_until_the_end(server: RawServer) -> None:
    server.will(raw(cut_file(VALIDATED)), raw(part(CUT)))
    with opened(server) as download:
        sizes = []
        while block := download.read(70_000):
            sizes.append(len(block))
    assert sizes == [70_000, 70_000, 70_000, len(FILE) - 210_000]


def test_the_rest_is_asked_for_after_a_cut(server: RawServer) -> None:
    server.will(raw(cut_file(VALIDATED)), raw(part(CUT)))
    with opened(server) as download:
        assert download.read() == FILE
        assert (download.sha256, download.resumes) == (SHA256, 1)
    asked = server.requests[1].headers
    assert (asked["range"], asked["if-range"]) == (f"bytes={CUT}-", ETAG)


def test_last_modified_serves_where_the_entity_tag_is_weak(server: RawServer) -> None:
    weak = {"ETag": 'W/"1"', "Last-Modified": "Fri, 20 Nov 2026 00:00:00 GMT"}
    server.will(raw(cut_file(weak)), raw(part(CUT, headers=weak)))
    with opened(server) as download:
        assert download.read() == FILE
    assert server.requests[1].headers["if-range"] == weak["Last-Modified"]


def test_without_a_validator_the_whole_file_is_asked_for_and_compared(server: RawServer) -> None:
    server.will(raw(cut_file({})), http(200, FILE))
    with opened(server) as download:
        assert download.read() == FILE
        assert download.sha256 == SHA256
    assert "range" not in server.requests[1].headers


def test_a_server_that_ignores_the_range(server: RawServer) -> None:
    server.will(raw(cut_file(VALIDATED)), http(200, FILE, VALIDATED))
    with opened(server) as download:
        assert download.read() == FILE
        assert (download.received_bytes, download.sha256) == (len(FILE), SHA256)


def test_a_server_that_answers_a_range_in_pieces(server: RawServer) -> None:
    piece = {**VALIDATED, "Content-Range": f"bytes {CUT}-{CUT + 9}/{len(FILE)}"}
    server.will(raw(cut_file(VALIDATED)), http(206, FILE[CUT : CUT + 10], piece), raw(part(CUT + 10)))
    with opened(server) as download:
        assert download.read() == FILE
        assert (download.sha256, download.resumes) == (SHA256, 2)


@pytest.mark.parametrize("size", ["*", "\u00b2", "-1", "", "9" * 5000], ids=lambda size: size[:3])
def test_a_size_in_a_range_that_is_no_number_says_nothing(server: RawServer, size: str) -> None:
    odd = {**VALIDATED, "Content-Range": f"bytes {CUT}-{len(FILE) - 1}/{size}"}
    server.will(raw(cut_file(VALIDATED)), raw(response(206, FILE[CUT:], odd)))
    with opened(server) as download:
        assert download.read() == FILE


CHANGES = {
    "another version, whole": response(200, FILE, {"ETag": '"version-2"'}),
    "another beginning": response(200, b"!" + FILE[1:], VALIDATED),
    "another size": response(200, FILE + b"!", VALIDATED),
    "shorter than what we have": response(200, FILE[:10], {}),
    "another version in the range": part(CUT, headers={"ETag": '"version-2"'}),
    "another start": part(CUT - 1),
    "another size in the range": part(CUT, body=FILE + b"!"),
    "no range at all": response(206, FILE[CUT:], VALIDATED),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_is_not_stitched_together(server: RawServer, change: str) -> None:
    server.will(raw(cut_file(VALIDATED)), raw(CHANGES[change]))
    error = failure_of(server)
    assert error.message == "the file changed between two parts of its download"
    assert (error.is_stale, error.is_final) == (False, False)


def test_a_shorter_file_is_noticed_while_skipping(server: RawServer) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.will(
        raw(chunked + b"%x\r\n%b\r\n" % (CUT, FILE[:CUT])),
        raw(chunked + b"a\r\n%b\r\n0\r\n\r\n" % FILE[:10]),
    )
    assert failure_of(server).message == "the file changed between two parts of its download"


def test_cuts_that_do_not_stop(server: RawServer) -> None:
    server.will(*[raw(cut_file(VALIDATED))] * (MAX_RESUMES + 1))
    error = failure_of(server)
    assert (error.is_stale, error.is_final) == (False, False)
    assert error.message == "the connection to the file's host was lost (RemoteProtocolError)"
    assert len(server.requests) == MAX_RESUMES + 1


def test_a_host_that_is_gone_after_a_cut(server: RawServer) -> None:
    server.will(raw(cut_file(VALIDATED)), *[raw(b"")] * (MAX_RESUMES - 1), raw(part(CUT)))
    with opened(server) as download:
        assert download.read() == FILE
        assert download.resumes == MAX_RESUMES


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refused_link_is_stale(server: RawServer, status: int) -> None:
    server.will(http(status))
    error = failure_of(server)
    assert (error.is_stale, error.is_final) == (True, False)


def test_a_link_that_expires_during_the_download_is_stale(server: RawServer) -> None:
    server.will(raw(cut_file(VALIDATED)), http(403))
    assert failure_of(server).is_stale


@pytest.mark.parametrize("status", [204, 416, 429, 500, 503])
def test_another_status_may_pass(server: RawServer, status: int) -> None:
    server.will(http(status))
    error = failure_of(server)
    assert (error.message, error.is_stale, error.is_final) == (
        f"the file's host answered HTTP {status}",
        False,
        False,
    )


def test_nobody_listens() -> None:
    with pytest.raises(DownloadError) as caught:
        open_download(ResultRequest(f"http://127.0.0.1:{unused_port()}/1.png"), settings(), kind=Kind.IMAGE)
    assert (caught.value.is_stale, caught.value.is_final) == (False, False)


def test_a_file_over_the_cap_by_its_own_word(server: RawServer) -> None:
    server.will(stalled(response(200, FILE[:100], {"Content-Length": "1001"})))
    error = failure_of(server, max_bytes=1000)
    assert (error.message, error.is_final) == ("the file is larger than 1000 bytes", True)


def test_a_file_that_grows_over_the_cap(server: RawServer) -> None:
    server.will(raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + FILE))
    error = failure_of(server, max_bytes=len(FILE) - 1)
    assert (error.message, error.is_final) == (f"the file is larger than {len(FILE) - 1} bytes", True)


def test_a_file_of_exactly_the_cap(server: RawServer) -> None:
    server.will(http(200, FILE))
    with opened(server, max_bytes=len(FILE)) as download:
        assert download.read() == FILE


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><title>Expired</title>", b"", b"\x1f\x8b\x08" + bytes(100)])
def test_a_body_that_is_no_media_is_the_wrong_file(server: RawServer, body: bytes) -> None:
    server.will(http(200, body, {"Content-Type": "image/png"}))
    error = failure_of(server)
    assert isinstance(error, WrongFile)
    assert error.message == "the file is no image or video, where image was ordered"


def test_a_video_where_an_image_was_ordered_is_the_wrong_file(server: RawServer) -> None:
    server.will(http(200, b"\x00\x00\x00\x18ftypisom" + bytes(100)))
    error = failure_of(server)
    assert isinstance(error, WrongFile)
    assert error.message == f"the file is {MP4.content_type}, where image was ordered"


def test_a_silent_host_ends_the_download(server: RawServer) -> None:
    server.will(silence)
    error = failure_of(server, idle_timeout_seconds=0.5)
    assert error.message == "the file's host sent nothing for 0.5 s"


@pytest.mark.slow
def test_a_stalled_body_is_resumed(server: RawServer) -> None:
    server.will(stalled(cut_file(VALIDATED)), raw(part(CUT)))
    with opened(server, idle_timeout_seconds=10) as download:
        assert download.read() == FILE
        assert download.resumes == 1


@pytest.mark.parametrize("data", [b"HTTP/1.1 200 OK\r\nX: ", cut_file({"Content-Length": "100000000"})])
def test_a_slow_host_ends_the_download_at_the_time_limit(server: RawServer, data: bytes) -> None:
    server.will(dripping(data))
    error = failure_of(server, timeout_seconds=0.3)
    assert error.message == "the download took longer than 0.3 s"
    assert (error.is_stale, error.is_final) == (False, False)


def test_a_host_that_sends_less_than_the_least_rate_is_left(server: RawServer) -> None:
    server.will(dripping(cut_file({"Content-Length": "100000000"})))
    error = failure_of(server, idle_timeout_seconds=3, least_bytes_per_second=10**9)
    assert isinstance(error, SlowSource)
    assert error.message == "the file's host sent less than 1000000000 bytes a second for 3 s"
    assert (error.is_stale, error.is_final) == (False, False)


def test_a_host_that_is_slow_after_a_cut_is_left(server: RawServer) -> None:
    rest = part(CUT)[: -len(FILE) + CUT]
    server.will(raw(cut_file(VALIDATED)), dripping(rest))
    error = failure_of(server, idle_timeout_seconds=3, least_bytes_per_second=10**9)
    assert isinstance(error, SlowSource)


def test_a_head_that_comes_in_single_bytes_does_not_outlast_the_idle_timeout(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_source, "_CONNECT_SECONDS", 0.1)
    server.will(dripping(b"HTTP/1.1 200 OK\r\nX: "))
    error = failure_of(server, idle_timeout_seconds=0.4)
    assert error.message == "the file's host sent nothing for 0.4 s"


def test_on_chunk_gets_the_progress_and_can_stop_the_download(server: RawServer) -> None:
    class Stop(Exception):
        pass

    told = []

    def on_chunk(received: int) -> None:
        told.append(received)
        if received > CUT:
            raise Stop

    server.will(http(200, FILE))
    with (
        pytest.raises(Stop),
        open_download(ResultRequest(server.url), settings(), kind=Kind.IMAGE, on_chunk=on_chunk) as download,
    ):
        download.read()
    assert told == sorted(set(told))
    assert CUT < told[-1] < len(FILE)


def test_redirects_are_followed_with_the_key_for_the_first_host_only(server: RawServer) -> None:
    with RawServer() as other:
        server.will(http(302, headers={"Location": "/2.png"}), http(307, headers={"Location": f"{other.url}/3.png"}))
        other.will(http(200, FILE))
        with opened(server, headers={"X-Api-Key": "secret"}) as download:
            assert download.read() == FILE
        assert [request.headers.get("x-api-key") for request in server.requests] == ["secret", "secret"]
        assert [(request.target, request.headers.get("x-api-key")) for request in other.requests] == [("/3.png", None)]


def test_a_range_is_sent_after_a_redirect_too(server: RawServer) -> None:
    redirect = http(302, headers={"Location": "/2.png"})
    server.will(redirect, raw(cut_file(VALIDATED)), redirect, raw(part(CUT)))
    with opened(server) as download:
        assert download.read() == FILE
    assert server.requests[3].headers["range"] == f"bytes={CUT}-"


def test_too_many_redirects_fail_the_download(server: RawServer) -> None:
    server.will(*[http(302, headers={"Location": "/1.png"})] * 3)
    error = failure_of(server, max_redirects=2)
    assert (error.message, error.is_final) == ("the file's link redirects more than 2 times", True)
    assert len(server.requests) == 3


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/1.png", "http://[::1", "https://xn--/"])
def test_a_redirect_to_another_scheme_than_http_fails_the_download(server: RawServer, location: str) -> None:
    server.will(http(302, headers={"Location": location}))
    assert failure_of(server).is_final


@pytest.mark.parametrize(
    "url", ["", "1.png", "/1.png", "http:///1.png", "file:///etc/passwd", "http://[::1", "https://xn--/"]
)
def test_a_link_of_another_scheme_than_http_fails_the_download(url: str) -> None:
    with pytest.raises(DownloadError) as caught:
        open_download(ResultRequest(url), settings(), kind=Kind.IMAGE)
    assert caught.value.is_final


def test_a_redirect_to_a_private_address_is_refused(server: RawServer) -> None:
    with RawServer() as inner:
        server.will(http(302, headers={"Location": f"http://127.0.0.2:{inner.port}/"}))
        error = failure_of(server, allowed_private_networks=[ip_network("127.0.0.1/32")])
        assert error.message == "the file's host is not public"
        assert error.is_final
        assert inner.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0.0.0.0", "[::ffff:127.0.0.1]"])
def test_a_private_address_is_refused_before_a_byte_is_sent(server: RawServer, host: str) -> None:
    url = f"http://{host}:{server.port}/{SECRET_QUERY}"
    with pytest.raises(DownloadError) as caught:
        open_download(ResultRequest(url), settings(allowed_private_networks=[]), kind=Kind.IMAGE)
    assert caught.value.is_final
    assert "secret" not in caught.value.message
    assert server.connections == 0


def test_one_refused_address_refuses_the_host(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch, [["127.0.0.1", "10.0.0.1"]])
    with pytest.raises(DownloadError) as caught:
        open_download(ResultRequest(f"http://media.example:{server.port}/"), settings(), kind=Kind.IMAGE)
    assert caught.value.is_final
    assert server.connections == 0


def test_the_checked_address_is_the_one_that_is_reached(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch, [["127.0.0.1"]])
    server.will(http(200, FILE))
    with open_download(ResultRequest(f"http://media.example:{server.port}/"), settings(), kind=Kind.IMAGE) as download:
        assert download.read() == FILE
    assert server.requests[0].headers["host"] == f"media.example:{server.port}"


def test_the_next_address_is_tried_when_one_does_not_answer(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch, [["127.0.0.9", "127.0.0.1"]])
    server.will(http(200, FILE))
    with open_download(ResultRequest(f"http://media.example:{server.port}/"), settings(), kind=Kind.IMAGE) as download:
        assert download.read() == FILE


def test_a_name_that_changes_to_a_private_address_during_the_download_is_refused(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolve_to(monkeypatch, [["127.0.0.1"], ["10.0.0.1"]])
    server.will(raw(cut_file(VALIDATED)))
    with (
        open_download(ResultRequest(f"http://media.example:{server.port}/"), settings(), kind=Kind.IMAGE) as download,
        pytest.raises(DownloadError) as caught,
    ):
        download.read()
    assert caught.value.is_final


def test_tls_verifies_the_name_and_not_the_address() -> None:
    # The first TLS message has the requested name in clear text, and the client verifies the certificate for this name.
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        hello = thread.submit(_first_bytes, listener)
        with pytest.raises(DownloadError):
            open_download(ResultRequest(f"https://localhost:{listener.getsockname()[1]}/"), settings(), kind=Kind.IMAGE)
        assert b"localhost" in hello.result()


def _first_bytes(listener: socket.socket) -> bytes:
    connection, _ = listener.accept()
    with connection:
        return connection.recv(65536)


def _resolve_to(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]) -> None:
    """Makes the resolver return these addresses for `media.example`, one after another."""
    real = socket.getaddrinfo

    def answer(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host != "media.example":
            return real(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
