"""Support's view of a customer on the page: read-only, and written down."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from schemas.enums import Scope
from schemas.settings import Settings
from storage import customers
from storage.api_keys import OPERATOR, Owner
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.page import OpenPage, Page, problem
from tests.support import NewCustomer, a_generation, operator_key

ORDER = {"model": "nano-banana", "prompt": "a lighthouse"}
WHY = "ticket 1234"
VIEW = "/v1/session/customer"


def begin(page: Page, customer_id: object) -> httpx.Response:
    return page.send("PUT", VIEW, {"customer_id": str(customer_id), "reason": WHY})


def history(gateway: httpx.Client, database: Database) -> list[dict[str, Any]]:
    """What the history of changes tells, the oldest first."""
    answer = gateway.get("/v1/admin/limit-changes", headers={"X-API-Key": operator_key(database)})
    changes: list[dict[str, Any]] = answer.json()["data"]
    return changes[::-1]


@pytest.fixture
def support(open_page: OpenPage, database: Database) -> Page:
    """A page of a person with the operator's key."""
    return open_page(operator_key(database))


@pytest.fixture
def generation_id(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> UUID:
    """A completed generation of the customer."""
    made = a_generation(database, settings, customer)
    complete(database, settings, objects, made, b"a picture of some bytes")
    return made


def test_the_operator_sees_as_the_customer_and_goes_back(
    support: Page, customer: NewCustomer, generation_id: UUID
) -> None:
    assert support.session["customer"] is None
    assert problem(support.get(f"/v1/generations/{generation_id}")) == (422, "invalid_request")

    told = begin(support, customer.id)

    assert told.status_code == 200
    assert told.json()["viewing"]["customer"] == {"id": str(customer.id), "name": "a test"}
    assert support.get("/v1/session").json()["viewing"] == told.json()["viewing"]
    assert support.get(f"/v1/generations/{generation_id}").json()["id"] == str(generation_id)
    assert support.get(f"/v1/generations/{generation_id}/content").content == b"a picture of some bytes"
    assert support.get("/v1/me").json()["id"] == str(customer.id)
    assert support.get("/v1/keys").json()["data"][0]["prefix"] == customer.api_key[:8]

    back = support.send("DELETE", VIEW)
    assert (back.status_code, back.json()["viewing"]) == (200, None)
    assert problem(support.get("/v1/me")) == (422, "invalid_request")


def test_a_view_changes_nothing(
    support: Page, customer: NewCustomer, generation_id: UUID, gateway: httpx.Client
) -> None:
    document = gateway.get("/openapi.json").json()
    begin(support, customer.id)

    refused = (403, "view_is_read_only")
    for path, operations in document["paths"].items():
        if not path.startswith("/v1/") or path.startswith("/v1/session"):
            continue
        for method in {"post", "put", "patch", "delete"} & operations.keys():
            # No id and no body: the view refuses before either is read.
            sent = support.send(method.upper(), path.replace("{", "").replace("}", ""))
            assert problem(sent) == refused or not operations[method].get("security"), (method, path)
    assert support.send("POST", "/video/generate", {}).status_code == 403
    assert problem(support.get(f"/v1/webhooks/endpoints/{generation_id}/secret")) == refused
    assert support.get(f"/v1/generations/{generation_id}/content").status_code == 200
    told = gateway.get(f"/v1/generations/{generation_id}", headers=customer.headers).json()
    assert told["downloads"] == 0


def test_the_history_tells_each_view_and_each_kind_of_read_once(
    support: Page, customer: NewCustomer, generation_id: UUID, gateway: httpx.Client, database: Database
) -> None:
    begin(support, customer.id)
    for _ in range(3):
        support.get("/v1/generations")
        support.get(f"/v1/generations/{generation_id}")
    support.get("/v1/session")
    view, *seen = history(gateway, database)

    of_view = (f"key {support.session['key']['prefix']}", "customer", str(customer.id))
    assert [(one["author"], one["scope"], one["name"]) for one in (view, *seen)] == [of_view] * 3
    assert (view["action"], view["reason"]) == ("view", WHY)
    assert [one["action"] for one in seen] == ["see", "see"]
    assert [one["after"] for one in seen] == [
        {"view": view["id"], "request": request}
        for request in ("GET /v1/generations", "GET /v1/generations/{generation_id}")
    ]
    # A second view is written down anew.
    begin(support, customer.id)
    support.get("/v1/generations")
    assert [one["action"] for one in history(gateway, database)] == ["view", "see", "see", "view", "see"]


def test_views_push_no_change_out_of_the_operators_timeline_and_out_of_the_previous_release(
    support: Page, customer: NewCustomer, gateway: httpx.Client, database: Database, settings: Settings
) -> None:
    generation_id = a_generation(database, settings, customer)
    begin(support, customer.id)
    assert support.get(f"/v1/generations/{generation_id}").status_code == 200

    key = {"X-API-Key": operator_key(database)}
    told = gateway.get(f"/v1/admin/generations/{generation_id}/timeline", headers=key).json()["entries"]
    assert {"view", "see"}.isdisjoint(entry["details"].get("action") for entry in told)
    # The previous release shows the whole of this table, and knows neither action.
    with database.transaction() as session:
        assert session.execute(text("SELECT action FROM admission_changes")).scalars().all() == []


def test_the_history_has_views_and_changes_in_one_order_on_all_pages(
    support: Page, customer: NewCustomer, gateway: httpx.Client, database: Database
) -> None:
    headers = {"X-API-Key": operator_key(database)}
    path = f"/v1/admin/pauses/customer/{customer.id}"
    begin(support, customer.id)
    assert gateway.put(path, json={"reason": WHY}, headers=headers).is_success
    support.get("/v1/me")
    assert gateway.delete(path, headers=headers).is_success

    found, query = [], {"limit": "1"}
    while True:
        page = gateway.get("/v1/admin/limit-changes", params=query, headers=headers).json()
        found += [(one["action"], one["scope"], one["name"]) for one in page["data"]]
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert found == [(action, "customer", str(customer.id)) for action in ("resume", "see", "pause", "view")]


def test_a_session_of_the_operator_sees_nobody_without_a_view(
    support: Page, make_customer: Callable[[int], NewCustomer], gateway: httpx.Client, database: Database
) -> None:
    one, other = make_customer(100), make_customer(100)

    assert problem(support.get("/v1/generations", **{"X-Customer-ID": str(one.id)})) == (403, "other_customer")
    assert problem(support.send("POST", "/v1/generations", {**ORDER, "customer_id": str(one.id)}))[0] == 403
    begin(support, one.id)
    assert problem(support.get("/v1/generations", **{"X-Customer-ID": str(other.id)})) == (403, "other_customer")
    assert support.get("/v1/generations", **{"X-Customer-ID": str(one.id)}).status_code == 200
    assert {change["name"] for change in history(gateway, database)} == {str(one.id)}


def test_a_session_of_the_operator_sees_timelines_of_the_viewed_customer_alone(
    support: Page, customer: NewCustomer, make_customer: Callable[[int], NewCustomer], generation_id: UUID,
    gateway: httpx.Client, database: Database,
) -> None:  # fmt: skip
    path = f"/v1/admin/generations/{generation_id}/timeline"

    assert problem(support.get(path)) == (403, "other_customer")
    begin(support, make_customer(100).id)
    assert problem(support.get(path)) == (404, "not_found")
    begin(support, customer.id)
    assert support.get(path).json()["customer_id"] == str(customer.id)
    seen = history(gateway, database)[-1]
    assert (seen["name"], seen["after"]["request"]) == (
        str(customer.id), "GET /v1/admin/generations/{generation_id}/timeline"
    )  # fmt: skip
    # The key itself needs no view.
    assert gateway.get(path, headers={"X-API-Key": operator_key(database)}).status_code == 200


def test_a_session_of_an_operator_or_a_service_only_reads(
    open_page: OpenPage, support: Page, make_key: Callable[..., str], service: Owner, gateway: httpx.Client
) -> None:
    of_service = open_page(make_key(service, scopes=tuple(Scope), makes_customers=True))
    refused = (403, "view_is_read_only")

    for path, operations in gateway.get("/openapi.json").json()["paths"].items():
        if not path.startswith("/v1/admin/"):
            continue
        for method in {"post", "put", "patch", "delete"} & operations.keys():
            sent = support.send(method.upper(), path.replace("{", "").replace("}", ""))
            assert problem(sent) == refused, (method, path)
    assert problem(of_service.send("POST", "/v1/admin/customers", {"name": "x", "customer_id": "1"})) == refused
    assert problem(of_service.send("POST", "/v1/keys", {})) == refused
    assert problem(of_service.send("POST", "/v1/generations", {**ORDER, "customer_id": "1"})) == refused
    assert support.get("/v1/admin/customers").status_code == 200
    assert of_service.get("/v1/keys").status_code == 200
    assert "Authorization" in support.send("POST", "/v1/admin/services", {"name": "x"}).json()["detail"]


def test_a_view_needs_an_admin_key_of_many_customers_and_a_reason(
    open_page: OpenPage,
    customer: NewCustomer,
    make_key: Callable[..., str],
    support: Page,
    gateway: httpx.Client,
    database: Database,
) -> None:
    own = open_page(make_key(Owner(customer.id), scopes=(Scope.READ, Scope.ADMIN)))
    reader = open_page(make_key(OPERATOR, scopes=(Scope.READ,)))

    assert problem(begin(own, customer.id)) == (403, "not_for_this_key")
    assert problem(begin(reader, customer.id)) == (403, "insufficient_scope")
    assert problem(begin(support, uuid4())) == (404, "not_found")
    assert problem(begin(support, "no id")) == (404, "not_found")
    for wrong in ({"customer_id": str(customer.id)}, {"customer_id": str(customer.id), "reason": ""}, {}):
        assert problem(support.send("PUT", VIEW, wrong)) == (422, "invalid_request")
    assert history(gateway, database) == []


def test_a_service_views_its_own_customers_by_its_own_numbers(
    open_page: OpenPage, make_key: Callable[..., str], service: Owner, customer: NewCustomer, database: Database
) -> None:
    assert service.service_id is not None
    with database.transaction() as session:
        theirs = customers.ensure_customer_of(session, service.service_id, "123")
    page = open_page(make_key(service, scopes=(Scope.READ, Scope.ADMIN), makes_customers=True))

    assert begin(page, "123").json()["viewing"]["customer"] == {"id": str(theirs), "name": "123"}
    assert page.get("/v1/me").json()["id"] == str(theirs)
    assert problem(begin(page, customer.id)) == (404, "not_found")
    # Nothing that a view names makes a customer.
    assert problem(begin(page, "124")) == (404, "not_found")


def test_the_view_of_a_deleted_customer_ends(
    support: Page, customer: NewCustomer, database: Database, gateway: httpx.Client
) -> None:
    begin(support, customer.id)
    deleted = gateway.delete(f"/v1/admin/customers/{customer.id}", headers={"X-API-Key": operator_key(database)})
    assert deleted.is_success

    assert problem(support.get("/v1/generations")) == (404, "not_found")
    assert support.get("/v1/session").json()["viewing"] is None


def test_a_view_does_not_pass_to_a_new_customer_of_the_same_number(
    open_page: OpenPage, make_key: Callable[..., str], service: Owner, gateway: httpx.Client, database: Database
) -> None:
    key = make_key(service, scopes=tuple(Scope), makes_customers=True)
    headers, wanted = {"X-API-Key": key}, {"name": "a test", "customer_id": "123"}
    gateway.post("/v1/admin/customers", json=wanted, headers=headers)
    page, other = open_page(key), open_page(key)
    for each in (page, other):
        begin(each, "123")
        assert each.get("/v1/generations").status_code == 200
    gateway.delete("/v1/admin/customers/123", headers=headers)
    new = gateway.post("/v1/admin/customers", json=wanted, headers=headers).json()

    assert problem(page.get("/v1/generations")) == (404, "not_found")
    assert page.get("/v1/session").json()["viewing"] is None
    assert other.get("/v1/session").json()["viewing"] is None
    assert new["id"] not in {change["name"] for change in history(gateway, database)}
    assert begin(page, "123").json()["viewing"]["customer"]["id"] == new["id"]
    assert page.get("/v1/generations").status_code == 200
    assert [one["action"] for one in history(gateway, database) if one["name"] == new["id"]] == ["view", "see"]


def test_a_view_ends_with_its_session(open_page: OpenPage, customer: NewCustomer, database: Database) -> None:
    key = operator_key(database)
    page = open_page(key)
    begin(page, customer.id)

    page.send("POST", "/v1/session", {"api_key": key})

    assert page.get("/v1/session").json()["viewing"] is None
