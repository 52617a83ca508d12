"""The `input` of Replicate's models with a field for each picture."""

import pytest

from providers.adapters.replicate.wire import to_input
from schemas.orders import Inputs

FIRST, LAST = "https://x.example/1.png", "https://x.example/2.png"


@pytest.mark.parametrize(
    ("pictures", "fields"),
    [([], {}), ([FIRST], {"start_image": FIRST}), ([FIRST, LAST], {"start_image": FIRST, "end_image": LAST})],
)
def test_ray_takes_a_first_and_a_last_picture(pictures: list[str], fields: dict[str, str]) -> None:
    inputs = Inputs(prompt="p", resolution="540p", duration_seconds=5, seed=7, image_urls=pictures)
    assert to_input("luma/ray-3.2", inputs) == {"prompt": "p", "resolution": "540p", "duration": 5, **fields}
