"""Doors that an operator switches off."""

import pytest
from fastapi.testclient import TestClient

from api_gateway import create_app
from schemas.enums import Door
from tests.support import clean_settings
from workers.roles import Role, open_roles

# A path of each door of the gateway.
PATHS = {
    Door.GENERATIONS: "/v1/generations",
    Door.EVENTS: "/v1/events",
    Door.WEBHOOKS: "/v1/webhooks/endpoints",
    Door.SHARES: "/v1/generations/3e41a28d-5bf9-40ce-a038-dc975dda27ad/shares",
    Door.UPLOADS: "/v1/uploads",
    Door.MODELS: "/v1/models",
    Door.CREDITS: "/v1/credits",
    Door.KEYS: "/v1/keys",
    Door.ADMIN: "/v1/admin/customers",
    Door.FILES: "/files/a.png",
    Door.SEEDS: "/video/3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    Door.OPENAI: "/openai/v1/videos",
    Door.MCP: "/mcp",
    Door.PAGES: "/docs",
    Door.STUDIO: "/v1/session",
}


def _client(*doors_off: Door) -> TestClient:
    # Not started: a door that is off answers before any service is needed.
    return TestClient(create_app(clean_settings().model_copy(update={"doors_off": doors_off})))


def test_every_door_is_tested() -> None:
    assert set(PATHS) | {Door.REDIS} == set(Door)


@pytest.mark.parametrize("door", PATHS)
def test_a_door_that_is_off_is_not_found(door: Door) -> None:
    assert _client(door).get(PATHS[door]).status_code == 404


@pytest.mark.slow  # Each door writes the whole document anew.
@pytest.mark.parametrize("door", PATHS)
def test_a_door_that_is_off_is_not_documented(door: Door) -> None:
    document = _client(door).get("/openapi.json").json()
    assert door not in {tag["name"] for tag in document["tags"]}
    used = {tag for operations in document["paths"].values() for one in operations.values() for tag in one["tags"]}
    assert door not in used
    # The others stay.
    assert used == {tag["name"] for tag in document["tags"]}


def test_a_share_that_was_given_away_ends_with_the_door() -> None:
    answer = _client(Door.SHARES).get("/shares/3e41a28d-5bf9-40ce-a038-dc975dda27ad?t=x")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_without_the_redis_door_no_worker_takes_requests() -> None:
    assert Role.REQUESTS in open_roles([])
    assert set(Role) - set(open_roles([Door.REDIS])) == {Role.REQUESTS}
