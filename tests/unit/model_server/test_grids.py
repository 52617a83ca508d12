"""Legal sizes and frames, and the nearest legal ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.grids import FrameGrid, SizeGrid

_SIDES = st.integers(1, 5000)


@pytest.mark.parametrize(
    ("wish", "nearest"),
    [((704, 512), (704, 512)), ((700, 500), (704, 512)), ((1408, 1024), (704, 512)), ((1, 1), (32, 32))],
)
def test_the_nearest_size_is_named(wish: tuple[int, int], nearest: tuple[int, int]) -> None:
    assert SizeGrid(32, 704 * 512).nearest(*wish) == nearest


@given(_SIDES, _SIDES, st.sampled_from([8, 16, 32, 64]), st.integers(64 * 64, 2_000_000))
def test_the_nearest_size_is_always_legal(width: int, height: int, multiple: int, most: int) -> None:
    grid = SizeGrid(multiple, most)
    nearest = grid.nearest(width, height)
    assert grid.allows(*nearest)
    assert not grid.allows(width, height) or nearest == (width, height)


@given(st.integers(1, 10_000), st.sampled_from([1, 4, 6, 8]), st.integers(1, 500))
def test_the_nearest_number_of_frames_is_always_legal(frames: int, step: int, most: int) -> None:
    grid = FrameGrid(step, most)
    assert grid.allows(grid.nearest(frames))
    assert not grid.allows(frames) or grid.nearest(frames) == frames
