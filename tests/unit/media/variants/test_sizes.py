"""No variant is larger than its limits or its source."""

import io

import pytest
from PIL import Image

from media.variants.sizes import place
from schemas.enums import Kind
from schemas.media_types import MP4, PNG
from tests.unit.media.variants.made import make, written


@pytest.mark.parametrize("size", [(1083, 723), (1920, 1080), (163, 91), (33, 999), (17, 17), (2, 2)])
@pytest.mark.parametrize("fit", ["contain", "cover"])
@pytest.mark.parametrize("step", [1, 2])
def test_no_edge_is_longer_than_its_limits(size: tuple[int, int], fit: str, step: int) -> None:
    limits: list[int | None] = [None, 16, 17, 163, 1001, 4096]
    for width in limits:
        for height in limits:
            placed = place(size, width, height, fit, step=step)  # type: ignore[arg-type]  # 1 or 2
            assert placed.cut[0] <= min(size[0], width or size[0]), (width, height)
            assert placed.cut[1] <= min(size[1], height or size[1]), (width, height)
            assert all(edge >= step and edge % step == 0 for edge in placed.cut)


def test_a_video_keeps_an_odd_limit() -> None:
    made = make(written([0.0, 0.04], size=(320, 180)), MP4, "copy", width=163)
    assert (made.facts.width, made.facts.height) == (162, 92)


def test_a_line_of_one_pixel_stays_one() -> None:
    content = io.BytesIO()
    Image.new("RGB", (100, 1)).save(content, "PNG")
    made = make(content.getvalue(), PNG, "copy", Kind.IMAGE)
    assert (made.facts.width, made.facts.height) == (100, 1)
