"""`/v1/admin`: customers and services, for the operator. A service sees only its own customers."""

from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from fastapi import Path, Query
from pydantic import Field
from sqlmodel import Session

from gateway.authentication import TheCaller, customers_router, needs
from gateway.dependencies import ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.keys import key_list, new_key
from gateway.openapi import problems
from intake.callers import Caller, is_name
from notify.resources import credits_resource
from schemas.enums import Scope
from schemas.errors import InvalidRequest, NotForThisKey, NotFound, Unauthenticated
from schemas.identity_api import (
    LONGEST_NAME,
    KeyList,
    KeyRequest,
    ManagedCustomer,
    ManagedCustomerList,
    ManagedCustomerRequest,
    NewKeyResource,
    ServiceList,
    ServiceRequest,
    ServiceResource,
)
from schemas.lists import PageQuery
from schemas.quota_api import CustomerChange, CustomerLimitsResource, LimitsChange
from schemas.text import OptionalProse, shown
from storage import customers, erasure, managed
from storage.admission_control import Reason
from storage.api_keys import OPERATOR, Owner
from storage.generations import database_now
from storage.managed import Found
from storage.quota_settings import CustomerLimits, LimitChanges

router = customers_router("/v1/admin", "admin")

_ADMIN = needs(Scope.ADMIN)
_READ_PROBLEMS = problems(Unauthenticated, NotForThisKey, NotFound)
_LIST_PROBLEMS = problems(InvalidRequest) | _READ_PROBLEMS
_CHANGE_PROBLEMS = BODY_PROBLEMS | _READ_PROBLEMS

# A service's text for a customer may have slashes. No route stands below this path.
_CUSTOMER = "/customers/{customer_id:path}"


class CustomersQuery(PageQuery):
    """The filter of the list of customers."""

    q: OptionalProse = Field(
        default=None,
        description="those whose name has this text, the customer with this number or text of a service, the customer "
        "with this id, or the customer of the generation with this id",
        min_length=1,
        max_length=LONGEST_NAME,
    )


CustomerName = Annotated[
    str,
    Path(
        alias="customer_id",
        description="to a service's key, the service's own number or text; to the operator's key, our id",
        examples=["123"],
        max_length=LONGEST_NAME,
    ),
]


def _manager(caller: Caller) -> Owner:
    """The service or the operator. A test key manages nothing live.

    Raises:
        NotForThisKey: the key is a customer's, or a test key.
    """
    if caller.key.owner.customer_id is not None or caller.is_test:
        raise NotForThisKey("this path serves live keys of services and of the operator")
    return caller.key.owner


def require_operator(caller: Caller) -> None:
    """Require a key of the operator.

    Raises:
        NotForThisKey: the key is another's.
    """
    if _manager(caller) != OPERATOR:
        raise NotForThisKey("this path serves keys of the operator")


@router.get("/customers", summary="List customers", openapi_extra=_ADMIN, responses=_LIST_PROBLEMS)
def list_customers(
    query: Annotated[CustomersQuery, Query()], services: ServicesOf, caller: TheCaller
) -> ManagedCustomerList:
    """Returns customers with their credits, the newest first: a service's own, or to the operator's key all."""
    manager = _manager(caller)
    with services.database.transaction() as session:
        found, following = managed.listed(session, manager, query.after, limit=query.limit, text=query.q)
        now = database_now(session)
    return ManagedCustomerList.page([_resource(one, now) for one in found], following)


@router.post(
    "/customers",
    status_code=201,
    summary="Make a customer",
    dependencies=[RequireJson],
    openapi_extra=_ADMIN,
    responses=_CHANGE_PROBLEMS,
)
def create_customer(wanted: ManagedCustomerRequest, services: ServicesOf, caller: TheCaller) -> ManagedCustomer:
    """Makes a customer without credits. A service names the customer by its own number or text, once."""
    manager = _manager(caller)
    with services.database.transaction() as session:
        made = managed.create(session, manager, wanted.name, wanted.customer_id)
        return _resource(made, database_now(session))


@router.get(_CUSTOMER, summary="See a customer", openapi_extra=_ADMIN, responses=_READ_PROBLEMS)
def get_customer(customer_name: CustomerName, services: ServicesOf, caller: TheCaller) -> ManagedCustomer:
    """Returns a customer with the credits."""
    manager = _manager(caller)
    with services.database.transaction() as session:
        return _resource(_customer(session, manager, customer_name), database_now(session))


@router.patch(
    _CUSTOMER,
    summary="Change a customer's limits",
    dependencies=[RequireJson],
    openapi_extra=_ADMIN,
    responses=_CHANGE_PROBLEMS,
)
def change_customer(
    customer_name: CustomerName, wanted: CustomerChange, services: ServicesOf, caller: TheCaller
) -> ManagedCustomer:
    """Changes limits at once, also for unfinished generations. Omitted limits stay as they are. null removes a limit.

    Only the operator changes the weight.
    """
    manager = _manager(caller)
    with services.database.transaction() as session:
        found = _customer(session, manager, customer_name)
        why = Reason(f"key {caller.key.prefix}")
        changed = managed.limit(session, manager, found, _changes(wanted.limits), _changes(wanted.test_limits), why)
        return _resource(changed, database_now(session))


def _changes(wanted: LimitsChange) -> LimitChanges:
    given = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    if "weight" in given and given["weight"] is None:
        given["weight"] = 1.0
    return cast("LimitChanges", given)


@router.delete(
    _CUSTOMER,
    status_code=204,
    summary="Delete a customer",
    openapi_extra=_ADMIN,
    responses=_READ_PROBLEMS,
)
def delete_customer(customer_name: CustomerName, services: ServicesOf, caller: TheCaller) -> None:
    """Ends the customer's keys at once, and removes files, prompts and uploads. The ledger's facts stay.

    Unfinished generations end first, and a sweep removes their data.
    """
    manager = _manager(caller)
    with services.database.transaction() as session:
        customer_id = _customer(session, manager, customer_name).customer.id
    erasure.delete_customer(services.database, services.objects, customer_id)


@router.get("/services", summary="List services", openapi_extra=_ADMIN, responses=_LIST_PROBLEMS)
def list_services(query: Annotated[PageQuery, Query()], services: ServicesOf, caller: TheCaller) -> ServiceList:
    """Returns services, the newest first."""
    require_operator(caller)
    with services.database.transaction() as session:
        page = managed.services(session, query.after, limit=query.limit)
    return ServiceList.page([ServiceResource.model_validate(service) for service in page.rows], page.next)


@router.post(
    "/services",
    status_code=201,
    summary="Make a service",
    dependencies=[RequireJson],
    openapi_extra=_ADMIN,
    responses=_CHANGE_PROBLEMS,
)
def create_service(wanted: ServiceRequest, services: ServicesOf, caller: TheCaller) -> ServiceResource:
    """Makes a service. Then make its first key at `/v1/admin/services/{service_id}/keys`."""
    require_operator(caller)
    with services.database.transaction() as session:
        return ServiceResource.model_validate(customers.create_service(session, wanted.name))


@router.get(
    "/services/{service_id}/keys", summary="List a service's keys", openapi_extra=_ADMIN, responses=_LIST_PROBLEMS
)
def list_service_keys(
    service_id: UUID, query: Annotated[PageQuery, Query()], services: ServicesOf, caller: TheCaller
) -> KeyList:
    """Returns the service's own keys, the newest first."""
    require_operator(caller)
    with services.database.transaction() as session:
        customers.require_owner(session, Owner(service_id=service_id))
        return key_list(session, Owner(service_id=service_id), query, only_test=False)


@router.post(
    "/services/{service_id}/keys",
    status_code=201,
    summary="Make a service's key",
    dependencies=[RequireJson],
    openapi_extra=_ADMIN,
    responses=_CHANGE_PROBLEMS,
)
def create_service_key(service_id: UUID, wanted: KeyRequest, services: ServicesOf, caller: TheCaller) -> NewKeyResource:
    """Makes a key by which the service acts for its customers. The answer shows the key itself, once."""
    require_operator(caller)
    with services.database.transaction() as session:
        return new_key(session, Owner(service_id=service_id), wanted, caller.key)


def _customer(session: Session, manager: Owner, name: str) -> Found:
    found = managed.find(session, manager, name) if is_name(name) else None
    if found is None:
        raise NotFound(f"you have no customer {shown(name)}")
    return found


def _resource(found: Found, now: datetime) -> ManagedCustomer:
    customer = found.customer
    return ManagedCustomer.model_validate(
        {
            **customer.model_dump(),
            "customer_id": customer.reference,
            "credits": credits_resource(found.balance),
            "limits": _limits_resource(found.limits, now),
            "test_limits": _limits_resource(found.test_limits, now),
        }
    )


def _limits_resource(limits: CustomerLimits | None, now: datetime) -> CustomerLimitsResource | None:
    if limits is None:
        return None
    return CustomerLimitsResource.of(limits.quota, limits.used, now, weight=limits.weight)
