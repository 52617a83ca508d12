"""An error answer quotes of a request's path and query at most a short text without a key.

People paste keys where a name belongs, and answers land in logs and in tickets.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from schemas.enums import Scope
from schemas.settings import Settings
from schemas.text import LONGEST_SHOWN
from storage.api_keys import OPERATOR, Owner
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.access import OF_CUSTOMERS, SCOPE, World
from tests.integration.gateway.finishing import complete_with_variants
from tests.media_files.images import png
from tests.support import NewCustomer

KEY: Final = f"rw_{'aB3dE' * 8}xyz"
# A text of more than 40 characters is no name of a variant.
SHORT: Final = (f"sk-{'aB3dE' * 5}", f"whsec_{'aB3dE' * 5}", f"rw_test_{'aB3dE' * 5}")
LONG: Final = "boats " * 1000
UNKNOWN_PATHS: Final = ("", "/v1", "/v1/generations/1", "/openai/v1", "/video/1", "/api")

_PART: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, eq=False)
class Pasted:
    """A request with a text in a wrong place."""

    method: str
    path: str
    scope: str | None
    """The scope that the operation requires. None: the operation requires no key."""
    query: Mapping[str, str] = field(default_factory=dict)


def pasted(document: Mapping[str, Any], ids: Mapping[str, Any], text: str) -> Iterator[Pasted]:
    """Requests with the text in each part of each path, in each parameter, and in the name of a parameter."""
    for path, operations in document["paths"].items():
        valid = _filled(path, ids)
        for method, operation in operations.items():
            scope = operation.get(SCOPE)
            for part in _PART.findall(path):
                yield Pasted(method.upper(), _filled(path, {**ids, part: text}), scope)
            known = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
            for query in (*({name: text} for name in known), {"api_key": text}, {text: "1"}):
                yield Pasted(method.upper(), valid, scope, query)
    for path in UNKNOWN_PATHS:
        yield Pasted("GET", f"{path}/{quote(text, safe='')}/unknown", None)


def _filled(path: str, ids: Mapping[str, Any]) -> str:
    return _PART.sub(lambda part: quote(str(ids.get(part[1], "1")), safe=""), path)


@pytest.fixture
def refusals(
    gateway: httpx.Client, database: Database, settings: Settings, make_key: Callable[..., str]
) -> Callable[[str], Mapping[Pasted, str]]:
    """Sends requests with a text in a wrong place. Returns each error with its headers, by the request."""
    world = World(gateway, database, settings)
    owner = {"X-API-Key": make_key(Owner(world.mine.id), scopes=OF_CUSTOMERS)}
    operator = {"X-API-Key": make_key(OPERATOR, scopes=tuple(Scope)), "X-Customer-ID": str(world.mine.id)}

    def send(text: str) -> Mapping[Pasted, str]:
        found = {}
        for one in pasted(gateway.get("/openapi.json").json(), world.ids, text):
            headers = operator if one.scope == Scope.GRANT or one.path.startswith("/v1/admin") else owner
            # An accepted stream of events has no end: the body of an error alone is read.
            with gateway.stream(one.method, one.path, params=one.query, headers=headers) as answer:
                assert answer.status_code != 500, one
                if answer.is_error:
                    found[one] = f"{answer.headers} {answer.read().decode()}"
        return found

    return send


@pytest.mark.timeout(300)
def test_no_error_quotes_a_key(refusals: Callable[[str], Mapping[Pasted, str]]) -> None:
    told = refusals(KEY)
    assert {one: text for one, text in told.items() if KEY[3:15] in text} == {}
    # The answers do quote: what they leave out is the key alone.
    of_models = [text for one, text in told.items() if one.path == f"/v1/models/{KEY}"]
    assert "there is no model `rw_[…]`" in of_models[0]


@pytest.mark.parametrize("secret", SHORT)
def test_no_error_quotes_a_key_in_the_place_of_a_variant(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer,
    secret: str,
) -> None:  # fmt: skip
    completed = complete_with_variants(database, settings, objects, customer, png(64, 64), {"kind": "web"})
    path = f"/v1/generations/{completed}/content"
    answer = gateway.get(path, params={"variant": secret}, headers=customer.headers)
    assert answer.status_code == 404
    assert secret[-20:] not in answer.text
    assert "[…]': it has web" in answer.json()["detail"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_quote_is_short(refusals: Callable[[str], Mapping[Pasted, str]]) -> None:
    told = refusals(LONG)
    longer = LONG[: LONGEST_SHOWN + 1]
    assert {one: text for one, text in told.items() if longer in text} == {}
    assert any(longer[:-1] in text for text in told.values())
