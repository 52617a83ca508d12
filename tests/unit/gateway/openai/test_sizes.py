"""`size` and its parts."""

import pytest

from gateway.openai.sizes import shape_of, size_of


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ("1280x720", ("16:9", "720p")),
        ("720x1280", ("9:16", "720p")),
        ("1792x1024", ("16:9", "1080p")),
        ("1024x1792", ("9:16", "1080p")),
        ("1920x1080", ("16:9", "1080p")),
        ("3840x2160", ("16:9", "4k")),
        ("854x480", ("16:9", "480p")),
        ("1024x1024", ("1:1", "1080p")),
        ("1680x720", ("21:9", "720p")),
        ("100x900", ("1:9", "100p")),
    ],
)
def test_a_size_is_a_shape_and_a_resolution(size: str, shape: tuple[str, str]) -> None:
    assert shape_of(size) == shape


@pytest.mark.parametrize(
    ("aspect_ratio", "resolution", "size"),
    [
        ("16:9", "720p", "1280x720"),
        ("9:16", "1080p", "1080x1920"),
        ("16:9", "4k", "3840x2160"),
        ("16:9", "480p", "854x480"),
        ("1:1", None, "720x720"),
        (None, "720p", "auto"),
        ("auto", None, "auto"),
    ],
)
def test_the_size_of_a_video_before_its_end(aspect_ratio: str | None, resolution: str | None, size: str) -> None:
    assert size_of(aspect_ratio, resolution) == size
