"""Videos from videos by `/openai/v1/videos`, and the models of this door."""

import httpx
import pytest

from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.videos import PATH, PROMPT, a_file, a_made_video, a_video, form, refused
from tests.support import NewCustomer, new_customer


@pytest.fixture
def customer(database: Database) -> NewCustomer:
    """A customer with many credits."""
    return new_customer(database, 100_000)


@pytest.fixture
def veo(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> str:
    """The id of a completed video of 6 seconds, which models extend and change."""
    return f"video_{a_made_video(customer, database, settings, objects).hex}"


def test_a_video_is_extended_by_a_model_that_can(gateway: httpx.Client, customer: NewCustomer, veo: str) -> None:
    for sent in (
        {"json": PROMPT | {"seconds": "8", "video": {"id": veo}}},
        {"files": form(prompt="it sails on", seconds="8") | {"video[id]": (None, veo)}},
    ):
        answer = gateway.post(f"{PATH}/extensions", headers=customer.headers, **sent)
        assert answer.status_code == 200, answer.text
        video = answer.json()
        assert (video["model"], video["seconds"], video["remixed_from_video_id"]) == ("veo-3-extend", "7", veo)
        assert answer.headers["Reelworks-Warning"] == "duration_seconds=8 not possible, 7 taken"


def test_a_video_is_made_anew_by_a_model_that_can(gateway: httpx.Client, customer: NewCustomer, veo: str) -> None:
    remix = gateway.post(f"{PATH}/{veo}/remix", json={"prompt": "at night"}, headers=customer.headers)
    edit = gateway.post(f"{PATH}/edits", json={"prompt": "at night", "video": {"id": veo}}, headers=customer.headers)
    for answer in (remix, edit):
        assert answer.status_code == 200, answer.text
        assert (answer.json()["remixed_from_video_id"], answer.json()["prompt"]) == (veo, "at night")


def test_a_change_that_no_model_can_make_is_a_400_that_names_the_video(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, veo: str
) -> None:
    uploaded = gateway.post(
        f"{PATH}/extensions", json=PROMPT | {"video": "https://example.com/a.mp4"}, headers=customer.headers
    )
    assert refused(uploaded) == (400, "invalid_request_error", "video", "invalid_request")
    by_name = PROMPT | {"video": {"id": veo}, "model": "nano-banana"}
    named = gateway.post(f"{PATH}/edits", json=by_name, headers=customer.headers)
    assert refused(named)[:2] == (400, "invalid_request_error")
    unfinished = a_video(customer, database, settings)
    early = gateway.post(f"{PATH}/{unfinished}/remix", json=PROMPT, headers=customer.headers)
    assert refused(early) == (400, "invalid_request_error", "video", "invalid_request")
    file = gateway.post(f"{PATH}/edits", files=form(**PROMPT) | {"video": a_file()}, headers=customer.headers)
    assert refused(file) == (400, "invalid_request_error", "video", "invalid_request")


def test_the_models_are_listed_with_the_operators_names(gateway: httpx.Client, customer: NewCustomer) -> None:
    listed = gateway.get("/openai/v1/models", headers=customer.headers).json()
    by_id = {model["id"]: model for model in listed["data"]}
    assert by_id["sora-2"].items() >= {"object": "model", "stands_for": "kling-3.0-video", "kind": "video"}.items()
    assert by_id["nano-banana"]["stands_for"] == "nano-banana"
    assert isinstance(by_id["nano-banana"]["created"], int)
    for name in ("sora-2", "google/nano-banana"):
        read = gateway.get(f"/openai/v1/models/{name}", headers=customer.headers).json()
        assert (read["id"], read["object"], read["owned_by"]) == (name, "model", "reelworks")
    missing = gateway.get("/openai/v1/models/gpt-4", headers=customer.headers)
    assert refused(missing) == (404, "invalid_request_error", None, "not_found")
