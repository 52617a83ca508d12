"""The API keys of customers, of services and of the operator."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import typer

from cli.configuration import transaction
from cli.console import console
from cli.options import AsJson, Limit, a_duration, a_name
from schemas.enums import DEFAULT_SCOPES, Scope
from schemas.errors import InvalidRequest, NotFound
from schemas.identity_api import MOST_CREDITS
from schemas.quota_api import MOST_GENERATIONS
from schemas.quotas import OnLimit

if TYPE_CHECKING:
    from sqlmodel import Session

    from schemas.customer_tables import ApiKey
    from storage.api_keys import Changes, Owner

app = typer.Typer(no_args_is_help=True, help="API keys of customers, of services and of the operator.")

Customer = Annotated[UUID | None, typer.Argument(help="the customer's id; left out: --service or --operator")]
Service = Annotated[UUID | None, typer.Option(help="a key of this service", metavar="ID")]
Operator = Annotated[bool, typer.Option("--operator", help="a key of the operator")]
Key = Annotated[
    str, typer.Argument(parser=a_name, metavar="key", help="the whole key, or exactly its first characters as listed")
]
Name = Annotated[str | None, typer.Option(parser=a_name, metavar="<str>", help="the use of the key")]
DailyCap = Annotated[
    int | None, typer.Option(min=0, max=MOST_CREDITS, help="credits that the key may spend a day in UTC")
]
InFlight = Annotated[
    int | None, typer.Option(min=0, max=MOST_GENERATIONS, help="generations of the key at the same time")
]
PerDay = Annotated[int | None, typer.Option(min=0, max=MOST_GENERATIONS, help="generations of the key a day in UTC")]
ExpiresIn = Annotated[
    timedelta | None, typer.Option(parser=a_duration, metavar="TIME", help="its end, such as 90d, 12h or 30m")
]


@app.command("list")
def list_keys(
    customer: Annotated[UUID | None, typer.Argument(help="the customer's id; every owner if left out")] = None,
    with_revoked: Annotated[bool, typer.Option("--revoked", help="with those that were revoked")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List API keys by their first characters, the newest first."""
    from cli.reports.rows import show_rows
    from storage import listings

    with transaction() as session:
        keys = listings.keys(session, customer_id=customer, with_revoked=with_revoked, limit=limit)
    for_programs = (
        "customer_id", "daily_cap", "in_flight", "per_day", "on_limit", "makes_customers", "created_at",
    )  # fmt: skip
    show_rows(listings.ListedKey, keys, console, as_json=as_json, for_programs=for_programs)


@app.command("create")
def create_key(
    customer: Customer = None,
    service: Service = None,
    operator: Operator = False,
    name: Name = None,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="may be given several times; default: generate and read")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="a test key: its orders go to the sandbox")] = False,
    makes_customers: Annotated[
        bool, typer.Option("--makes-customers", help="of a service: the first use of an unknown customer makes it")
    ] = False,
    daily_cap: DailyCap = None,
    in_flight: InFlight = None,
    per_day: PerDay = None,
    on_limit: Annotated[
        OnLimit, typer.Option(help="what happens to an order over a limit or the cap")
    ] = OnLimit.REJECT,
    expires_in: ExpiresIn = None,
) -> None:
    """Create an API key. The key appears once."""
    from storage import api_keys, customers

    terms = api_keys.Terms(
        name=name,
        scopes=tuple(scope or DEFAULT_SCOPES),
        is_test=test,
        makes_customers=makes_customers,
        daily_cap=daily_cap,
        in_flight=in_flight,
        per_day=per_day,
        on_limit=on_limit,
        expires_in=expires_in,
    )
    with transaction() as session:
        made = customers.create_key_of(session, _owner(customer, service, operator), terms)
    _show(made.material)


@app.command("change")
def change_key(
    key: Key,
    name: Name = None,
    no_name: Annotated[bool, typer.Option("--no-name", help="remove the name")] = False,
    daily_cap: DailyCap = None,
    no_daily_cap: Annotated[bool, typer.Option("--no-daily-cap", help="remove the cap")] = False,
    in_flight: InFlight = None,
    no_in_flight: Annotated[bool, typer.Option("--no-in-flight", help="remove the limit")] = False,
    per_day: PerDay = None,
    no_per_day: Annotated[bool, typer.Option("--no-per-day", help="remove the limit")] = False,
    on_limit: Annotated[OnLimit | None, typer.Option(help="what happens to an order over a limit or the cap")] = None,
    expires_in: ExpiresIn = None,
    no_end: Annotated[bool, typer.Option("--no-end", help="remove the end")] = False,
) -> None:
    """Change the name, the cap, the limits or the end of a key. The rest stays as it is."""
    from storage import api_keys

    changes = changes_of(
        name=(name, no_name), daily_cap=(daily_cap, no_daily_cap), in_flight=(in_flight, no_in_flight),
        per_day=(per_day, no_per_day), on_limit=(on_limit, False), expires_in=(expires_in, no_end),
    )  # fmt: skip
    if not changes:
        raise typer.BadParameter("name a change, such as --daily-cap 500 or --no-daily-cap")
    with transaction() as session:
        row = _meant(session, key, None)[0]
        api_keys.change(session, row, cast("Changes", changes))
    cap = "has no daily cap" if row.daily_cap is None else f"may spend {row.daily_cap} credits a day"
    console.print(f"{row.prefix} {cap}{_limits_of(row)} and {_end_of(row)}", highlight=False, soft_wrap=True)


@app.command("revoke")
def revoke_key(
    customer_or_key: Annotated[
        str, typer.Argument(parser=a_name, metavar="[customer]", help="the customer's id; may be left out")
    ],
    key: Annotated[
        str | None,
        typer.Argument(parser=a_name, metavar="key", help="the whole key, or exactly its first characters as listed"),
    ] = None,
) -> None:
    """Revoke an API key at once."""
    from storage import api_keys

    with transaction() as session:
        keys = _meant(session, customer_or_key, key)
        for row in keys:
            api_keys.revoke(session, row)
    console.print(f"{len(keys)} key(s) revoked")


@app.command("rotate")
def rotate_key(
    key: Key,
    ends_in: Annotated[
        timedelta, typer.Option(parser=a_duration, metavar="TIME", help="in which the first key still works")
    ] = timedelta(days=1),
    expires_in: Annotated[
        timedelta | None,
        typer.Option(parser=a_duration, metavar="TIME", help="the end of the new key; default: the first key's end"),
    ] = None,
) -> None:
    """Make a key that allows the same, and end the first key after a time. Both work until then."""
    from storage import api_keys

    with transaction() as session:
        keys = _meant(session, key, None)
        made = api_keys.rotate(session, keys[0], ends_in=ends_in, expires_in=expires_in)
    _show(made.material)
    console.print(f"{keys[0].prefix} {_end_of(keys[0])}", highlight=False)


def _owner(customer: UUID | None, service: UUID | None, is_operator: bool) -> "Owner":
    """The one owner that a command names."""
    from storage.api_keys import Owner

    if (customer is not None) + (service is not None) + is_operator != 1:
        raise typer.BadParameter("name one owner: a customer's id, --service ID, or --operator")
    return Owner(customer, service)


def _meant(session: "Session", first: str, second: str | None) -> Sequence["ApiKey"]:
    """The live keys that a command names, of one customer or of every owner."""
    from storage import api_keys
    from storage.api_keys import Owner
    from storage.customers import as_id

    customer_id = None if second is None else as_id(first)
    if second is not None and customer_id is None:
        raise typer.BadParameter(f"{first!r} is no id of a customer")
    owner = None if customer_id is None else Owner(customer_id)
    keys = api_keys.named(session, owner, second or first)
    if not keys:
        none = "there is no" if owner is None else f"{owner} has no"
        raise NotFound(f"{none} live key like that: give the whole key, or exactly its first characters as listed")
    if owner is None and len(keys) > 1:
        raise InvalidRequest(f"{len(keys)} keys begin with {first}: give the whole key")
    return keys


def changes_of(**given: tuple[object, bool]) -> dict[str, object]:
    """The changes that options ask for. Each term has its new value, and whether an option removes the old one."""
    if any(value is not None and removes for value, removes in given.values()):
        raise typer.BadParameter("give a new value, or the option that removes the old one")
    return {term: value for term, (value, removes) in given.items() if removes or value is not None}


def _limits_of(row: "ApiKey") -> str:
    """The limits of a key in words, with a comma before each."""
    texts = []
    if row.in_flight is not None:
        texts.append(f", {row.in_flight} generations at the same time")
    if row.per_day is not None:
        texts.append(f", {row.per_day} generations a day")
    if row.on_limit is OnLimit.WAIT:
        texts.append(", and orders over a limit wait")
    return "".join(texts)


def _show(material: str) -> None:
    console.print(f"api key  {material}", soft_wrap=True)


def _end_of(row: "ApiKey") -> str:
    return "has no end" if row.expires_at is None else f"ends at {row.expires_at:%Y-%m-%d %H:%M:%S} UTC"
