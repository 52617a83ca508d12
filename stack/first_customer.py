"""The development customer, with whose key the first request needs only curl."""

import shlex
from pathlib import Path

import typer

from schemas.enums import Door
from schemas.settings import Settings
from stack.private_file import read_private, write_private
from storage import customers, development
from storage.api_keys import Terms
from storage.customers import ActingCustomer
from storage.database import Database
from storage.development import CREDITS
from storage.sql import of


def ensure_first_customer(settings: Settings) -> None:
    """Create the development customer on the first run, and print how to use its API key.

    A private file holds the key. A file without a working key counts as absent: the file may be damaged, or belong to a
    removed database.
    """
    key_file = settings.data_folder / "development-api-key"
    database = Database(settings.database_url)
    try:
        customer = _customer_of(database, read_private(key_file)) or _create(database, key_file)
    finally:
        database.dispose()
    typer.echo(_ready(settings, customer, key_file))


def _customer_of(database: Database, key: str | None) -> ActingCustomer | None:
    with database.transaction() as session:
        found = customers.authenticate(of(session), key) if key else None
    return found.customer if found and not (found.key.is_revoked or found.key.is_expired) else None


def _create(database: Database, key_file: Path) -> ActingCustomer:
    with database.transaction() as session:
        customer = development.ensure_customer(session)
        key = customers.create_api_key(session, customer.id, Terms(scopes=development.SCOPES))
        made = ActingCustomer(customer.id, customer.name)
    write_private(key_file, key)
    return made


def _studio(settings: Settings) -> str:
    if Door.STUDIO in settings.doors_off:
        return ""
    return f"The page, signed in as this customer: {settings.gateway_url}/studio/\n"


def _ready(settings: Settings, customer: ActingCustomer, key_file: Path) -> str:
    folder = Path.cwd()
    shown = key_file.relative_to(folder) if key_file.is_relative_to(folder) else key_file
    return (
        f"Reelworks is ready. Customer {customer.name!r} ({customer.id}) had {CREDITS} credits to begin with.\n"
        f"{_studio(settings)}"
        "A first request:\n"
        f'  curl {settings.gateway_url}/v1/generations -H "Authorization: Bearer $(cat {shlex.quote(str(shown))})" \\\n'
        '    -H \'Content-Type: application/json\' -d \'{"model": "nano-banana", "prompt": "a lighthouse in fog"}\'\n'
        "Database, Redis and S3 with their passwords: reelworks urls"
    )
