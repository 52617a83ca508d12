"""Input pictures and videos that a worker reads for its vendor."""

import pytest

from providers.base import InputFile
from providers.inputs import read_inputs
from schemas.enums import ErrorCode
from schemas.errors import ProviderError, ProviderRejected, ProviderUnavailable
from schemas.orders import Inputs
from schemas.settings import InputSettings
from tests.contract.raw_server import RawServer, http, unused_port
from tests.contract.test_downloads import FILE, settings

VIDEO = b"\x00\x00\x00\x18ftypisom" + bytes(100)


def inputs(server: RawServer, *, videos: int = 0) -> Inputs:
    videos_urls = [f"{server.url}/{number}.mp4" for number in range(videos)]
    return Inputs(prompt="a boat", image_urls=[f"{server.url}/1.png"], video_urls=videos_urls)


def failure_of(server: RawServer, limits: InputSettings | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read_inputs(inputs(server), limits or InputSettings(), settings())
    return caught.value


def test_files_are_read_by_their_urls_and_named_after_their_bytes(server: RawServer) -> None:
    server.will(http(200, FILE, {"Content-Type": "text/plain"}), http(200, VIDEO))
    files = read_inputs(inputs(server, videos=1), InputSettings(), settings())
    assert files == {
        f"{server.url}/1.png": InputFile(FILE, "image/png"),
        f"{server.url}/0.mp4": InputFile(VIDEO, "video/mp4"),
    }


def test_a_picture_that_is_gone_is_the_requests_fault(server: RawServer) -> None:
    server.will(http(404))
    error = failure_of(server)
    assert isinstance(error, ProviderRejected)
    assert error.code is ErrorCode.INPUT_UNREADABLE
    assert error.message == "image_urls.0 could not be read: the file's host answered HTTP 404"


def test_what_is_no_picture_is_refused(server: RawServer) -> None:
    server.will(http(200, b"<html>"))
    error = failure_of(server)
    assert error.code is ErrorCode.INPUT_UNREADABLE
    assert "is no image or video, where image was ordered" in error.message


def test_a_picture_over_the_limit_is_refused(server: RawServer) -> None:
    server.will(http(200, FILE))
    error = failure_of(server, InputSettings(max_image_bytes=1000))
    assert error.message == "image_urls.0 could not be read: the file is larger than 1000 bytes"


def test_a_host_that_is_away_may_come_back() -> None:
    away = Inputs(prompt="a boat", image_urls=[f"http://127.0.0.1:{unused_port()}/1.png"])
    with pytest.raises(ProviderUnavailable):
        read_inputs(away, InputSettings(), settings())


def test_an_address_of_our_own_network_is_not_read(server: RawServer) -> None:
    with pytest.raises(ProviderRejected, match="which is not public"):
        read_inputs(inputs(server), InputSettings(), settings(allowed_private_networks=[]))
    assert server.requests == []
