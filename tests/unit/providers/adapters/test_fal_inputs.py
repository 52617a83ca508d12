"""The body that each of fal's models with a star in its route gets, and its path."""

import pytest

from providers.adapters.fal.inputs import to_input, to_path
from schemas.orders import Inputs

H3_MAX, FLUX_3 = "minimax/h3-max/*-to-video", "blackforestlabs/flux-3/*-to-video"
TEXT = Inputs(prompt="p", aspect_ratio="21:9", resolution="480p", duration_seconds=15, audio=False, seed=7)
PICTURE = TEXT.model_copy(update={"image_urls": ["https://x.example/1.png"]})


@pytest.mark.parametrize(
    ("model", "inputs", "path"),
    [
        (H3_MAX, TEXT, "/minimax/h3-max/text-to-video"),
        (H3_MAX, PICTURE, "/minimax/h3-max/image-to-video"),
        (FLUX_3, PICTURE, "/blackforestlabs/flux-3/image-to-video"),
        ("fal-ai/stable-video", PICTURE, "/fal-ai/stable-video"),
    ],
)
def test_the_star_is_text_or_image(model: str, inputs: Inputs, path: str) -> None:
    assert to_path(model, inputs) == path


def test_h3_max_writes_resolutions_in_capitals_and_how_much_to_rewrite() -> None:
    assert to_input(H3_MAX, TEXT) == {
        "prompt": "p",
        "aspect_ratio": "21:9",
        "resolution": "480P",
        "duration": 15,
        "prompt_expansion_mode": "balanced",
        "seed": 7,
    }


def test_flux_3_has_a_switch_for_sound() -> None:
    assert to_input(FLUX_3, PICTURE) == {
        "prompt": "p",
        "image_url": "https://x.example/1.png",
        "aspect_ratio": "21:9",
        "resolution": "480p",
        "duration": 15,
        "generate_audio": False,
    }
