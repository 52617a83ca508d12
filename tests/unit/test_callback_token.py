import re
from uuid import UUID, uuid4

import pytest

from schemas.callback_token import callback_url, node_callback_url, sign, verify
from schemas.enums import Kind

ID = UUID("0b0c6f1e-6d0f-4f0a-9f0e-3f7f4f3f1a10")


def test_a_token_is_good_for_its_generation_and_secret_only() -> None:
    token = sign("secret", ID)

    assert verify(["secret"], ID, token)
    assert not verify(["secret"], uuid4(), token)
    assert not verify(["another"], ID, token)


def test_a_token_of_each_accepted_key_counts() -> None:
    token = sign("earlier", ID)

    assert verify(["now", "earlier"], ID, token)
    assert not verify(["now", "next"], ID, token)
    assert not verify([], ID, token)


@pytest.mark.parametrize("change", ["", "A", "é", "=", "\x00"])
def test_any_other_text_is_wrong(change: str) -> None:
    token = sign("secret", ID)

    assert not verify(["secret"], ID, change)
    assert not verify(["secret"], ID, token[:-1] + (change or token))
    assert not verify(["secret"], ID, token + "x")


def test_a_token_stays_what_it_was() -> None:
    # URLs that were handed out must keep working after an upgrade.
    assert sign("secret", ID) == "fRnACiHwPnk-NeeORM6ydKcNFFAwHmbEIz5kQoxni_0"


def test_a_token_needs_no_escaping() -> None:
    for _ in range(100):
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", sign("secret", uuid4()))


def test_the_url_holds_provider_id_and_token() -> None:
    url = callback_url("https://reelworks.example", "secret", "kie", ID)

    assert url == f"https://reelworks.example/callbacks/kie/{ID}?t={sign('secret', ID)}"


@pytest.mark.parametrize(
    ("kind", "path"),
    [(Kind.IMAGE, "/api/kie-callback?imageNodeId="), (Kind.VIDEO, "/api/kie-video-callback?videoNodeId=")],
)
def test_the_url_of_an_order_with_a_reference_names_the_node_first_and_the_token_last(kind: Kind, path: str) -> None:
    url = node_callback_url("https://reelworks.example", "secret", "kie", ID, kind=kind, reference="k1&t=2")

    rest = f"provider=kie&generation={ID}&t={sign('secret', ID)}"
    assert url == f"https://reelworks.example{path}k1%26t%3D2&{rest}"
