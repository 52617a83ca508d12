"""The official client for Python makes and edits images."""

import base64

import httpx
import pytest

from tests.e2e.clients.conftest import Buyer
from tests.media_files.images import png

pytestmark = pytest.mark.slow

PNG = b"\x89PNG"


def test_images_are_made_while_the_client_waits(buyer: Buyer) -> None:
    made = buyer.client.images.generate(
        model="nano-banana", prompt=buyer.prompt, n=2, size="1024x1024", quality="high", output_format="png"
    )
    assert made.data
    assert [base64.b64decode(image.b64_json or "")[:4] for image in made.data] == [PNG, PNG]
    assert (made.output_format, made.background) == ("png", "opaque")
    assert buyer.system.balance(buyer.customer) == (992, 0)


def test_link_to_an_image_works_without_a_key(buyer: Buyer) -> None:
    made = buyer.client.images.generate(model="nano-banana", prompt=buyer.prompt, response_format="url")
    assert made.data
    url = made.data[0].url
    assert url is not None
    assert httpx.get(url, trust_env=False).content.startswith(PNG)


@pytest.mark.parametrize("count", [1, 2])
def test_image_is_edited(buyer: Buyer, count: int) -> None:
    files = [("a.png", png(64 + number, 64), "image/png") for number in range(count)]
    made = buyer.client.images.edit(
        model="nano-banana-edit", image=files if count > 1 else files[0], prompt=buyer.prompt
    )
    assert made.data
    assert base64.b64decode(made.data[0].b64_json or "").startswith(PNG)
