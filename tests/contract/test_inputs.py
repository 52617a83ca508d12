"""Reading of input images and videos, for vendors that take files."""

import pytest

from providers.base import InputFile
from providers.files import inputs as files_inputs
from providers.files.inputs import read_inputs
from schemas.enums import ErrorCode
from schemas.errors import LeaseLost
from schemas.orders import Inputs
from schemas.provider_errors import ProviderError, ProviderRejected, ProviderUnavailable
from schemas.setting_groups import InputSettings
from tests.contract.raw_server import RawServer, dripping, http, response, stalled, unused_port
from tests.contract.rig import INPUTS
from tests.contract.test_downloads import FILE
from tests.media_files.images import animation

VIDEO = b"\x00\x00\x00\x18ftypisom" + bytes(100)


def inputs(server: RawServer, *, videos: int = 0) -> Inputs:
    videos_urls = [f"{server.url}/{number}.mp4" for number in range(videos)]
    return Inputs(prompt="a boat", image_urls=[f"{server.url}/1.png"], video_urls=videos_urls)


def failure_of(server: RawServer, limits: InputSettings | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read_inputs(inputs(server), limits or INPUTS, seconds=30)
    return caught.value


def test_files_are_read_from_their_urls_with_the_type_of_their_bytes(server: RawServer) -> None:
    server.will(http(200, FILE, {"Content-Type": "text/plain"}), http(200, VIDEO))
    files = read_inputs(inputs(server, videos=1), INPUTS, seconds=30)
    assert files == {
        f"{server.url}/1.png": InputFile(FILE, "image/png"),
        f"{server.url}/0.mp4": InputFile(VIDEO, "video/mp4"),
    }


def test_a_missing_image_is_a_rejection(server: RawServer) -> None:
    server.will(http(404))
    error = failure_of(server)
    assert isinstance(error, ProviderRejected)
    assert error.code is ErrorCode.INPUT_UNREADABLE
    assert error.message == "image_urls.0 could not be read: the file's host answered HTTP 404"


def test_a_file_that_is_not_an_image_is_a_rejection(server: RawServer) -> None:
    server.will(http(200, b"<html>"))
    error = failure_of(server)
    assert error.code is ErrorCode.INPUT_UNREADABLE
    assert "is no image or video, where image was ordered" in error.message


@pytest.mark.parametrize("head", [b"\x00\x00\x00\x10ftypheic", b"\x00\x00\x00\x10ftypavif"])
def test_an_image_that_no_vendor_takes_is_a_rejection_that_names_the_others(server: RawServer, head: bytes) -> None:
    server.will(http(200, head + bytes(100)))
    error = failure_of(server)
    assert error.code is ErrorCode.INPUT_UNREADABLE
    assert f"the file is image/{head[-4:].decode()}, and not one of image/gif, image/jpeg" in error.message


def test_an_animation_is_no_video_as_an_input(server: RawServer) -> None:
    server.will(http(200, FILE), http(200, animation("WEBP")))
    with pytest.raises(ProviderRejected, match="the file is image/webp, where video was ordered"):
        read_inputs(inputs(server, videos=1), INPUTS, seconds=30)


def test_an_image_above_the_limit_is_a_rejection(server: RawServer) -> None:
    server.will(http(200, FILE))
    error = failure_of(server, INPUTS.model_copy(update={"max_image_bytes": 1000}))
    assert error.message == "image_urls.0 could not be read: the file is larger than 1000 bytes"


def test_an_unreachable_host_is_an_outage() -> None:
    away = Inputs(prompt="a boat", image_urls=[f"http://127.0.0.1:{unused_port()}/1.png"])
    with pytest.raises(ProviderUnavailable):
        read_inputs(away, INPUTS, seconds=30)


def test_a_private_address_is_not_read(server: RawServer) -> None:
    with pytest.raises(ProviderRejected, match="the file's host is not public"):
        read_inputs(inputs(server), InputSettings(), seconds=30)
    assert server.requests == []


def test_a_repeated_url_is_read_once(server: RawServer) -> None:
    url = f"{server.url}/1.png"
    server.will(http(200, FILE))
    assert list(read_inputs(Inputs(prompt="a boat", image_urls=[url, url]), INPUTS, seconds=30)) == [url]


def test_a_slow_host_is_a_rejection(server: RawServer) -> None:
    server.will(stalled(response(200, FILE, {})[:-1000]))
    with pytest.raises(ProviderRejected, match=r"image_urls\.0 could not be read: the download took longer"):
        read_inputs(inputs(server), INPUTS, seconds=0.3)


def test_a_host_that_trickles_is_a_rejection_that_names_the_least_rate(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_inputs, "_LONGEST_SILENCE_SECONDS", 0.5)
    server.will(dripping(response(200, FILE, {})[:-1000]))
    error = failure_of(server, INPUTS.model_copy(update={"least_bytes_per_second": 10**9}))
    assert isinstance(error, ProviderRejected)
    assert error.code is ErrorCode.INPUT_UNREADABLE
    slow = "the file's host sent less than 1000000000 bytes a second for 0.5 s"
    assert error.message == f"image_urls.0 could not be read: {slow}"


def test_files_that_are_together_too_large_are_a_rejection(server: RawServer) -> None:
    urls = [f"{server.url}/{number}.png" for number in range(3)]
    server.will(http(200, FILE), http(200, FILE))
    limits = INPUTS.model_copy(update={"max_total_bytes": len(FILE) * 2})
    with pytest.raises(ProviderRejected, match=r"image_urls\.2 could not be read: the files before it are too large"):
        read_inputs(Inputs(prompt="a boat", image_urls=urls), limits, seconds=30)


def test_reading_stops_after_the_lease_is_lost(server: RawServer) -> None:
    server.will(http(200, FILE))

    def lost(_received: int) -> None:
        raise LeaseLost("another worker has it")

    with pytest.raises(LeaseLost):
        read_inputs(inputs(server), INPUTS, seconds=30, on_chunk=lost)
