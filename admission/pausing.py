"""Pauses, for the command and the admin API: checks that the named thing exists."""

from providers.catalogue import Catalogue
from schemas.errors import NotFound
from schemas.limits import PauseScope
from schemas.text import shown
from storage import admission_control
from storage.admission_control import Reason
from storage.customers import as_id
from storage.sql import Sql


def pause(sql: Sql, catalogue: Catalogue, scope: PauseScope, name: str, why: Reason) -> str:
    """Let the new generations of a model, an account, a route or a customer wait. Returns the name that is paused.

    Raises:
        NotFound: there is no such thing.
    """
    known = _known(sql, catalogue, scope, name)
    admission_control.pause(sql, scope, known, why)
    return known


def _known(sql: Sql, catalogue: Catalogue, scope: PauseScope, name: str) -> str:
    match scope:
        case PauseScope.MODEL:
            card = catalogue.card(name)
            return _one_of(scope, name if card is None else card.name, [one.name for one in catalogue.models()])
        case PauseScope.PROVIDER:
            return _one_of(scope, name, admission_control.account_names(sql))
        case PauseScope.ROUTE:
            routes = [*catalogue.routes(), *catalogue.for_test_customers.routes()]
            return _one_of(scope, name, [f"{route.provider}/{route.model}" for route in routes])
        case PauseScope.CUSTOMER:
            customer_id = as_id(name)
            if customer_id is None or not admission_control.has_customer(sql, customer_id):
                raise NotFound(f"there is no customer {shown(name)}: name one by our id")
            return str(customer_id)


def _one_of(scope: PauseScope, name: str, known: list[str]) -> str:
    if name not in known:
        raise NotFound(f"there is no {scope} {shown(name)} here. Known: {', '.join(known) or 'none'}")
    return name
