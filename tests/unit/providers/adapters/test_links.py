import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from providers.adapters.links import file_links
from providers.adapters.payload import fraction, texts

LINK = "https://media.example/1.png?sig=x"
OTHER = "http://media.example/2.png"


@pytest.mark.parametrize(
    ("value", "links"),
    [
        (LINK, [LINK]),
        (f" {LINK}\n", [LINK]),
        ("HTTPS://media.example/1.png", ["HTTPS://media.example/1.png"]),
        ("https://media.example/my file.png", ["https://media.example/my%20file.png"]),
        (f"{LINK}\n{OTHER}", [LINK, OTHER]),
        ([LINK, OTHER, LINK], [LINK, OTHER]),
        (["a caption", LINK, None, 7, True], [LINK]),
        ({"url": LINK, "content_type": "image/png", "width": 512}, [LINK]),
        ({"thumbnail": OTHER, "url": LINK}, [LINK, OTHER]),
        ({"poster_url": OTHER, "clip": LINK}, [LINK, OTHER]),
        ({"files": [{"video": {"url": LINK}}]}, [LINK]),
        ({"input_image": OTHER, "result": LINK}, [LINK]),
        ({"prompt_image": OTHER, "reference_images": [OTHER], "outcome": LINK}, [LINK]),
        ({"initImage": OTHER, "inputs": {"url": OTHER}}, []),
        ({"source_url": OTHER, "clip": LINK}, [LINK, OTHER]),
        ("https://999.1.1.1/1.png", []),
        ("https://[::1/1.png", []),
        ("https://[media.example/1.png", []),
        ("https://xn--/1.png", []),
        ("a caption", []),
        ("see https://media.example", []),
        ("javascript:alert(1)", []),
        ("file:///etc/passwd", []),
        ("https://media.example/\x001.png", []),
        ("https://" + "x" * 10_000, []),
        ("https://", []),
        ("/files/1.png", []),
        (None, []),
        ({}, []),
        (7, []),
    ],
)
def test_links_are_found_in_every_form(value: JsonValue, links: list[str]) -> None:
    assert file_links(value) == links


@pytest.mark.parametrize(
    "path", ["/files/1.png", "files/1.png?sig=x", "//media.example/1.png", "/v1/videos/a%20b/content"]
)
def test_paths_are_links_where_only_links_are_expected(path: str) -> None:
    assert file_links(path, or_paths=True) == [path]
    assert file_links(path) == []


@pytest.mark.parametrize(
    "text",
    [
        "a caption", "none", "", "javascript:/alert(1)", "gs://films/1.mp4", "file:/etc/passwd", "video/mp4",
        "//999.1.1.1/x.mp4",
    ],
)  # fmt: skip
def test_other_texts_are_no_paths(text: str) -> None:
    assert file_links(text, or_paths=True) == []
    assert file_links({"content_type": text, "download_url": LINK}, or_paths=True) == [LINK]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_every_document_can_be_searched(value: JsonValue) -> None:
    assert all(link.startswith(("http", "HTTP")) for link in file_links(value))
    assert isinstance(texts(value), list)
    assert fraction(value) is None or 0 <= (fraction(value) or 0) <= 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("no", ["no"]),
        (["no", {"msg": "never", "loc": ["body"], "input": "a prompt"}], ["no", "never"]),
        ({"message": "no", "code": 7}, ["no"]),
        ({"error": {"detail": [{"msg": "no"}]}}, ["no"]),
        ({"code": 7}, []),
        ("  ", []),
        (None, []),
    ],
)
def test_the_texts_of_an_error(error: JsonValue, told: list[str]) -> None:
    assert texts(error) == told
