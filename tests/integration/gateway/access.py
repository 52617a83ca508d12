"""Two tenants with one of everything, and the requests of the table in docs/keys.md.

The operations come from the OpenAPI document, so a new route is in the table by itself. A new kind of id in a path
needs an entry in `World.ids`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import httpx

from schemas.enums import Scope
from schemas.limits import AccountLimits
from schemas.settings import Settings
from storage import admission, api_keys, customers
from storage.api_keys import OPERATOR, Owner, Terms
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.videos import a_made_video
from tests.media_files.images import png
from tests.support import a_generation, a_share, new_customer

SCOPE: Final = "x-required-scope"

COLUMNS: Final = ("no key", "wrong key", "expired", "revoked", "missing scope", "other tenant", "test key")

# Ids that stand for the same thing to everybody.
_PUBLIC_IDS = frozenset({"account", "lever", "name", "scope", "thing"})

OF_CUSTOMERS = (Scope.GENERATE, Scope.READ, Scope.ADMIN)


@dataclass(frozen=True, eq=False)
class Operation:
    """An operation with an API key, from the document."""

    method: str
    path: str
    scope: Scope
    body: Mapping[str, Any]
    """The arguments of httpx for an accepted body."""
    query: tuple[str, ...] = ()
    """The parameters that the operation requires in the query."""

    @property
    def is_for_customers(self) -> bool:
        """Whether a customer's key can reach the operation."""
        return self.scope is not Scope.GRANT and not self.path.startswith("/v1/admin")

    @property
    def has_tenants_id(self) -> bool:
        """Whether the path has the id of a tenant's thing."""
        return bool(set(re.findall(r"\{(\w+)\}", self.path)) - _PUBLIC_IDS)


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """The operations with an API key. Those that delete come last, and customers very last."""
    found = [
        Operation(method.upper(), path, Scope(operation[SCOPE]), _body(document, operation), _query(operation))
        for path, described in document["paths"].items()
        for method, operation in described.items()
        if operation.get("security")
    ]
    return sorted(found, key=lambda one: (one.method == "DELETE", one.method == "DELETE" and "/admin/" in one.path))


def _query(operation: Mapping[str, Any]) -> tuple[str, ...]:
    required = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query" and one["required"]]
    return tuple(required)


def _body(document: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    """A body that the operation takes: the first example of its schema, or a picture."""
    content = operation.get("requestBody", {}).get("content", {})
    if examples := content.get("application/json", {}).get("schema", {}).get("examples"):
        return {"json": examples[0]}
    if "multipart/form-data" in content:
        return {"data": {"prompt": "a boat"}, "files": {"image": png(8, 8)}}
    if "application/json" not in content:
        return {"content": png(8, 8)} if content else {}
    reference = content["application/json"]["schema"]
    names = re.findall(r"'#/components/schemas/(\w+)'", str(reference))
    example: dict[str, Any] = document["components"]["schemas"][names[0]]["examples"][0]
    return {"json": {name: value for name, value in example.items() if name != "customer_id"}}


class World:
    """A customer with one of everything, and the keys of all kinds of callers."""

    def __init__(self, gateway: httpx.Client, database: Database, settings: Settings) -> None:
        self._gateway = gateway
        self._database = database
        self.mine = new_customer(database, 1000)
        other = new_customer(database, 1000)
        with database.transaction() as session:
            service, stranger = (
                Owner(service_id=customers.create_service(session, name).id) for name in ("shop", "stranger")
            )
        self._owner = self._key(Owner(self.mine.id), OF_CUSTOMERS)
        self._operator = self._key(OPERATOR, tuple(Scope))
        self._other = self._key(Owner(other.id), OF_CUSTOMERS)
        self._stranger = self._key(stranger, tuple(Scope))
        self._test = self._key(Owner(self.mine.id), OF_CUSTOMERS, is_test=True)
        self._services_test = self._key(service, tuple(Scope), is_test=True, makes_customers=True)
        upload = gateway.post("/v1/uploads", content=png(8, 8), headers={"X-API-Key": self._owner}).json()
        batch = {"requests": [{"model": "nano-banana", "prompt": "a boat"}]}
        made = gateway.post("/v1/batches", json=batch, headers={"X-API-Key": self._owner}).json()
        hook = {"url": "https://shop.example/hooks"}
        endpoint = gateway.post("/v1/webhooks/endpoints", json=hook, headers={"X-API-Key": self._owner}).json()
        test = f"/v1/webhooks/endpoints/{endpoint['id']}/test"
        spare = self._key(Owner(self.mine.id), OF_CUSTOMERS)
        generation_id = a_generation(database, settings, self.mine)
        video_id = str(self._video(settings))
        self.ids = {
            "generation_id": str(generation_id),
            "image_id": str(generation_id),
            "id": video_id,
            "share_id": str(a_share(database, generation_id)),
            "batch_id": made["id"],
            "upload_id": upload["id"],
            "endpoint_id": endpoint["id"],
            "delivery_id": gateway.post(test, headers={"X-API-Key": self._owner}).json()["id"],
            "event_id": gateway.get("/v1/events", headers={"X-API-Key": self._owner}).json()["data"][0]["id"],
            "key_id": gateway.get("/v1/me", headers={"X-API-Key": spare}).json()["key"]["id"],
            "service_id": str(service.service_id),
            "customer_id": str(self.mine.id),
            "video_id": video_id,
            "name": "nano-banana",
            "account": "kie",
            "scope": "model",
            "thing": "nano-banana",
            "lever": "retry",
        }
        with database.statement() as sql:
            admission.declare(sql, {"kie": AccountLimits()})

    def answers(self, operation: Operation) -> Iterator[tuple[str, httpx.Response]]:
        """The answer to each caller of the table, by the column."""
        owner = Owner(self.mine.id) if operation.is_for_customers else OPERATOR
        every = OF_CUSTOMERS if operation.is_for_customers else tuple(Scope)
        yield "no key", self._send(operation, None)
        yield "wrong key", self._send(operation, f"rw_{'x' * 43}")
        yield "expired", self._send(operation, self._key(owner, every, expires_in=timedelta(seconds=-1)))
        yield "revoked", self._send(operation, self._key(owner, every, revoke=True))
        others = tuple(scope for scope in every if scope is not operation.scope)
        yield "missing scope", self._send(operation, self._key(owner, others))
        yield "other tenant", self._send(operation, self._other if operation.is_for_customers else self._stranger)
        if operation.is_for_customers:
            yield "test key", self._send(operation, self._test)
        else:
            yield "test key", self._send(operation, self._services_test, named="123")

    def owners_answer(self, operation: Operation) -> httpx.Response:
        """The answer to the caller for whom the operation is."""
        return self._send(operation, self._owner if operation.is_for_customers else self._operator)

    def _send(self, operation: Operation, key: str | None, named: str | None = None) -> httpx.Response:
        headers = {} if key is None else {"X-API-Key": key}
        if operation.scope is Scope.GRANT:
            headers["X-Customer-ID"] = named or str(self.mine.id)
        # A path or a query with an id that is not here fails: say in `ids` how a customer gets one.
        path = operation.path.format(**self.ids)
        body = dict(operation.body)
        if "video" in body.get("json", {}):
            body["json"] = {**body["json"], "video": {"id": self.ids["video_id"]}}
        query = {name: self.ids[name] for name in operation.query}
        return self._gateway.request(operation.method, path, params=query, headers=headers, **body)

    def _video(self, settings: Settings) -> UUID:
        objects = ObjectStore(settings.s3)
        try:
            return a_made_video(self.mine, self._database, settings, objects)
        finally:
            objects.close()

    def _key(self, owner: Owner, scopes: tuple[Scope, ...], *, revoke: bool = False, **terms: Any) -> str:
        with self._database.transaction() as session:
            made = customers.create_key_of(session, owner, Terms(scopes=scopes, **terms))
            if revoke:
                api_keys.revoke(session, made.row)
            return made.material


def told(answer: httpx.Response) -> str:
    """An answer as a cell of the table."""
    if answer.is_success:
        return str(answer.status_code)
    return f"{answer.status_code} `{problem(answer)['code']}`"


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The members of an error, in the dialect of its path."""
    body: dict[str, Any] = answer.json()
    return error if isinstance(error := body.get("error"), dict) else body
