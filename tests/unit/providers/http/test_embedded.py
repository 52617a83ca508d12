import base64
import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.http.embedded import DATA_URI, Kept, file_in, with_links, without_files
from schemas.errors import DownloadError

FILE = bytes(range(256)) * 40
TEXT = base64.b64encode(FILE).decode()


def cut(content: bytes, size: int) -> Iterator[bytes]:
    """The content in chunks, as from a network."""
    return (content[start : start + size] for start in range(0, len(content), size))


def document(text: str = TEXT) -> dict[str, object]:
    return {
        "name": 'a "data": "boat" in fog',
        "data": {"kind": "video"},
        "parts": [{"data": text, "mime": "video/mp4"}, {"data": "short"}],
        "done": True,
    }


@given(st.integers(1, 200), st.sampled_from([None, 2]))
def test_a_file_is_found_however_its_answer_is_cut_and_indented(size: int, indent: int | None) -> None:
    answer = json.dumps(document(), indent=indent).encode()

    assert b"".join(file_in(cut(answer, size), "data")) == FILE


@given(st.integers(1, 200), st.integers(0, 3))
def test_a_file_is_found_after_other_members_of_its_name(size: int, after: int) -> None:
    others = ["", base64.b64encode(b"input").decode(), "not base64!"][:after]
    told = {"steps": [{"data": text} for text in others], "data": {"data": TEXT}}

    assert b"".join(file_in(cut(json.dumps(told).encode(), size), "data", after=after)) == FILE


def test_skipping_more_members_than_exist_finds_no_file() -> None:
    with pytest.raises(DownloadError, match="holds no file"):
        list(file_in([json.dumps({"data": TEXT}).encode()], "data", after=1))


@given(st.integers(1, 200))
def test_eliding_files_keeps_the_rest_of_the_document(size: int) -> None:
    answer = json.dumps(document()).encode()

    assert json.loads(b"".join(without_files(cut(answer, size), "data"))) == document("")


@given(st.binary(max_size=50), st.integers(1, 7))
def test_files_of_every_length_are_decoded_whole(content: bytes, size: int) -> None:
    text = base64.b64encode(content).decode()
    answer = json.dumps({"data": "x" + text}).replace('"x', '"').encode()

    if content:
        assert b"".join(file_in(cut(answer, size), "data")) == content


@pytest.mark.parametrize("size", [1, 3, 5, 7, 1000])
@pytest.mark.parametrize(
    "escaped",
    [
        pytest.param(TEXT.replace("/", "\\/"), id="slashes"),
        pytest.param(TEXT.replace("=", "\\u003d"), id="padding"),
        pytest.param(TEXT.rstrip("="), id="no padding"),
        pytest.param(TEXT.translate(str.maketrans("+/", "-_")), id="URL-safe"),
    ],
)
def test_every_spelling_of_base64_in_json_is_decoded(escaped: str, size: int) -> None:
    answer = b'{"data": "%s"}' % escaped.encode()

    assert b"".join(file_in(cut(answer, size), "data")) == FILE


def test_a_short_text_is_kept_with_its_escapes() -> None:
    told = {"data": 'he said "no\\"\n' * 50, "more": 1}
    answer = json.dumps(told).encode()

    assert json.loads(b"".join(without_files([answer], "data"))) == told


def test_an_answer_that_ends_within_the_file_is_a_lost_connection() -> None:
    answer = json.dumps(document()).encode()[:5000]

    with pytest.raises(httpx.RemoteProtocolError):
        list(file_in([answer], "data"))


@pytest.mark.parametrize("answer", [b"{}", b'{"data": ""}', b'{"data": null}', b"", b"<html>"])
def test_an_answer_without_a_file_is_a_stale_link(answer: bytes) -> None:
    with pytest.raises(DownloadError, match="holds no file") as refused:
        list(file_in([answer], "data"))
    assert refused.value.is_stale


@pytest.mark.parametrize("text", ["!!!!", "a\\u00e9bc", "YWJj\\n\\\\YWJj"])
def test_a_text_that_is_not_base64_is_final(text: str) -> None:
    with pytest.raises(DownloadError, match="is not base64") as refused:
        list(file_in([b'{"data": "%s"}' % text.encode()], "data"))
    assert refused.value.is_final


def with_uris() -> dict[str, object]:
    uri = f"data:video/mp4;codecs=avc1;base64,{TEXT}"
    inner = json.dumps({"urls": [uri, "https://x.example/1.mp4"]})
    return {
        "input": {"image": uri},
        "output": ["a caption", uri],
        "inner": inner,
        "note": 'a "data:" in a text',
        "n": 1,
    }


@given(st.integers(1, 300), st.booleans())
def test_data_uris_become_links_however_their_answer_is_cut_and_written(size: int, escapes_slashes: bool) -> None:
    answer = json.dumps(with_uris()).encode()
    if escapes_slashes:
        answer = answer.replace(b"/", b"\\/")
    told = json.loads(b"".join(with_links(cut(answer, size), "link {}".format)))
    assert told["input"] == {"image": "link 0"}
    assert told["output"] == ["a caption", "link 1"]
    assert json.loads(told["inner"]) == {"urls": ["link 2", "https://x.example/1.mp4"]}
    assert (told["note"], told["n"]) == ('a "data:" in a text', 1)
    for number in range(3):
        assert b"".join(file_in(cut(answer, size), DATA_URI, after=number)) == FILE


@given(st.integers(1, 300))
def test_a_member_can_hold_a_data_uri(size: int) -> None:
    answer = json.dumps({"data": f"data:image/png;base64,{TEXT}", "next": 1}).encode()
    kept = Kept(len(FILE))
    assert json.loads(b"".join(without_files(cut(answer, size), "data", kept))) == {"data": "", "next": 1}
    assert (bytes(kept.content), kept.is_too_large) == (FILE, False)
    assert b"".join(file_in(cut(answer, size), "data")) == FILE


@given(st.lists(st.sampled_from([TEXT, "", "not base64!", "data:image/png;base64,"]), max_size=4), st.integers(1, 300))
def test_the_first_file_is_kept(texts: list[str], size: int) -> None:
    kept = Kept(len(FILE))
    list(without_files(cut(json.dumps([{"data": text} for text in texts]).encode(), size), "data", kept))
    assert bytes(kept.content) == (FILE if TEXT in texts else b"")


def test_a_file_above_the_limit_is_told() -> None:
    kept = Kept(len(FILE) - 1)
    list(with_links([json.dumps([f"data:image/png;base64,{TEXT}"]).encode()], str, kept))
    assert kept.is_too_large


def test_no_more_is_kept_than_the_limit_and_one_piece() -> None:
    kept, piece = Kept(10), b"A" * 4000
    answer = [b'["data:image/png;base64,', *[piece] * 1000]
    list(with_links(answer, str, kept))
    assert len(kept.content) <= 10 + len(piece)
