import time

import httpx
import pytest

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from tests.sandbox.harness import Kie

SMALL = Delivered(width=64, height=64)


@pytest.fixture
def url(kie: Kie) -> str:
    return kie.result_url(kie.create())


def misbehaving_url(kie: Kie, sandbox: SandboxClient, scenario: Scenario) -> str:
    sandbox.add_scenario(scenario.model_copy(update={"match": Match(prompt_contains=kie.word)}))
    return kie.result_url(kie.create())


def test_whole_file_is_served(kie: Kie, url: str) -> None:
    answer = kie.http.get(url)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Reelworks-Sandbox"] == "true"


def test_head_answers_the_headers_without_the_file(kie: Kie, sandbox: SandboxClient, url: str) -> None:
    head = kie.http.head(url)

    assert (head.status_code, head.content) == (200, b"")
    assert sandbox.tasks(kie.word)[0].downloads == 0
    assert head.headers["Content-Length"] == str(len(kie.http.get(url).content))


@pytest.mark.parametrize("asked", ["bytes=10-19", "bytes=-10", "bytes=10-"])
def test_range_is_served(kie: Kie, url: str, asked: str) -> None:
    whole = kie.http.get(url).content
    first, last = {
        "bytes=10-19": (10, 19),
        "bytes=-10": (len(whole) - 10, len(whole) - 1),
        "bytes=10-": (10, len(whole) - 1),
    }[asked]
    part = kie.http.get(url, headers={"Range": asked})

    assert part.status_code == 206
    assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
    assert part.content == whole[first : last + 1]


def test_range_beyond_the_end_is_416(kie: Kie, url: str) -> None:
    assert kie.http.get(url, headers={"Range": "bytes=999999999-"}).status_code == 416


def test_unknown_file_is_404(kie: Kie) -> None:
    assert kie.http.get("/files/nothing.png").status_code == 404


def take(answer: httpx.Response, into: bytearray) -> None:
    for chunk in answer.iter_raw():
        into += chunk


def take_until_cut(kie: Kie, url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """The announced length, and the bytes before the cut."""
    taken = bytearray()
    with kie.http.stream("GET", url, headers=headers) as answer:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            take(answer, taken)
        return int(answer.headers["Content-Length"]), bytes(taken)


@pytest.mark.parametrize("cut_after", [0, 500])
def test_download_is_cut_n_times_and_can_be_resumed(kie: Kie, sandbox: SandboxClient, cut_after: int) -> None:
    url = misbehaving_url(kie, sandbox, Scenario(delivered=SMALL, cut_after_bytes=cut_after, cut_times=2))
    length, first = take_until_cut(kie, url)
    _, second = take_until_cut(kie, url, {"Range": f"bytes={cut_after}-"})
    rest = kie.http.get(url, headers={"Range": f"bytes={2 * cut_after}-"}).content
    whole = kie.http.get(url).content

    assert (len(first), len(second)) == (cut_after, cut_after)
    assert first + second + rest == whole
    assert len(whole) == length


def test_cut_beyond_the_end_has_no_effect(kie: Kie, sandbox: SandboxClient) -> None:
    url = misbehaving_url(kie, sandbox, Scenario(delivered=SMALL, cut_after_bytes=1_000_000))
    answer = kie.http.get(url)

    assert len(answer.content) == int(answer.headers["Content-Length"])


def test_body_is_sent_no_faster_than_bytes_per_second(kie: Kie, sandbox: SandboxClient) -> None:
    url = misbehaving_url(kie, sandbox, Scenario(delivered=SMALL, bytes_per_second=4000))
    started = time.monotonic()
    content = kie.http.get(url).content

    assert time.monotonic() - started >= len(content) / 4000
    assert content.startswith(b"\x89PNG")
    assert content.endswith(b"IEND\xae\x42\x60\x82")


def test_download_is_refused_then_cut_then_complete(kie: Kie, sandbox: SandboxClient) -> None:
    url = misbehaving_url(
        kie,
        sandbox,
        Scenario(delivered=SMALL, download_status=403, download_status_times=2, cut_after_bytes=100),
    )
    refused = [kie.http.get(url).status_code for _ in range(2)]
    _, cut = take_until_cut(kie, url)

    assert refused == [403, 403]
    assert len(cut) == 100
    assert kie.http.get(url).status_code == 200


@pytest.mark.parametrize(("body", "begin"), [("html", b"<!DOCTYPE html>"), ("json", b"{"), ("empty", b"")])
def test_other_body_is_served_n_times_with_the_type_of_the_file(
    kie: Kie, sandbox: SandboxClient, body: str, begin: bytes
) -> None:
    scenario = Scenario.model_validate({"delivered": SMALL, "download_body": body, "download_body_times": 2})
    url = misbehaving_url(kie, sandbox, scenario)
    answers = [kie.http.get(url) for _ in range(3)]

    assert [(answer.status_code, answer.headers["Content-Type"]) for answer in answers] == [(200, "image/png")] * 3
    for answer in answers[:2]:
        assert answer.content.startswith(begin)
        assert not answer.content.startswith(b"\x89PNG")
    assert answers[2].content.startswith(b"\x89PNG")


def test_half_of_a_file_is_served_without_a_length(kie: Kie, sandbox: SandboxClient) -> None:
    scenario = Scenario(delivered=SMALL, download_body="half", download_body_times=1)
    url = misbehaving_url(kie, sandbox, scenario)
    half, whole = kie.http.get(url), kie.http.get(url)

    assert "Content-Length" not in half.headers
    assert half.content == whole.content[: len(whole.content) // 2]


def test_file_is_served_in_gzip_unasked(kie: Kie, sandbox: SandboxClient) -> None:
    url = misbehaving_url(kie, sandbox, Scenario(delivered=SMALL, download_encoding="gzip"))
    answer = kie.http.get(url, headers={"Accept-Encoding": "identity"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content.startswith(b"\x89PNG"), "httpx decodes it"


def test_web_page_is_served_with_an_image_name(kie: Kie, sandbox: SandboxClient) -> None:
    answer = kie.http.get(misbehaving_url(kie, sandbox, Scenario(download_body="html")))

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    assert answer.content.startswith(b"<!DOCTYPE html>")
