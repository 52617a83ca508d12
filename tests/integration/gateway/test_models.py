"""`GET /v1/models`, and one model by its name."""

from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.support import NewCustomer


def get(gateway: httpx.Client, customer: NewCustomer, name: str) -> httpx.Response:
    return gateway.get(f"/v1/models/{name}", headers=customer.headers)


def listed(gateway: httpx.Client, customer: NewCustomer) -> list[dict[str, Any]]:
    answer = gateway.get("/v1/models", headers=customer.headers)
    assert (answer.status_code, answer.json()["object"]) == (200, "list")
    cards: list[dict[str, Any]] = answer.json()["data"]
    return cards


def test_the_list_of_models_is_the_catalogue(gateway: httpx.Client, customer: NewCustomer) -> None:
    by_name = {card["name"]: card for card in listed(gateway, customer)}

    assert by_name["nano-banana"]["kind"] == "image"
    assert by_name["sora-2-text-to-video"]["successor"] == "kling-2.6-text-to-video"


def test_every_listed_model_has_an_id_and_can_be_read_by_it(gateway: httpx.Client, customer: NewCustomer) -> None:
    for card in listed(gateway, customer):
        assert (card["id"], card["object"]) == (card["name"], "model")
        assert get(gateway, customer, card["id"]).json() == card


def test_every_alias_gives_the_model_that_it_stands_for(gateway: httpx.Client, customer: NewCustomer) -> None:
    aliases = {alias: card for card in listed(gateway, customer) for alias in card["aliases"]}

    assert any("/" in alias for alias in aliases)
    for alias, card in aliases.items():
        assert get(gateway, customer, alias).json() == card


def test_a_retired_model_names_its_successor(gateway: httpx.Client, customer: NewCustomer) -> None:
    answer = get(gateway, customer, "sora-2-text-to-video")

    body = answer.json()
    assert (answer.status_code, body["status"], body["price"]) == (200, "retired", None)
    assert body["successor"] == "kling-2.6-text-to-video"


@pytest.mark.parametrize("name", ["nano-bananna", "nano-banana/", "a/b/c", "%00", "%ED%A0%BD", "x" * 3000])
def test_a_model_that_does_not_exist_is_not_found(gateway: httpx.Client, customer: NewCustomer, name: str) -> None:
    answer = get(gateway, customer, name)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["detail"].endswith("GET /v1/models lists the names")
    assert len(answer.content) < 500


def test_the_default_of_sound_has_the_name_of_the_orders_field(gateway: httpx.Client, customer: NewCustomer) -> None:
    for card in listed(gateway, customer):
        if card["defaults"]:
            assert card["defaults"]["generate_audio"] == card["defaults"]["audio"]


def test_a_client_of_openai_lists_the_models(gateway: httpx.Client, customer: NewCustomer) -> None:
    with OpenAI(api_key=customer.api_key, base_url=f"{gateway.base_url}/v1", max_retries=0) as client:
        names = [model.id for model in client.models.list()]
        assert "nano-banana" in names
        assert client.models.retrieve("nano-banana").object == "model"
