"""A customer to begin with, so that the first request needs nothing but curl."""

from pathlib import Path

import typer

from schemas.settings import Settings
from stack.wiring import gateway_url
from storage import customers, ledger
from storage.database import Database

NAME = "development"
CREDITS = 10_000


def ensure_first_customer(settings: Settings, key_file: Path = Path(".reelworks/development-api-key")) -> None:
    """Create the development customer on a first run, keep its API key in a private file, and say how to use it."""
    if not key_file.exists():
        key_file.touch(mode=0o600)
        key_file.write_text(_create(settings))
    typer.echo(
        f"Reelworks is ready. A first request, for customer {NAME!r} with {CREDITS} credits to begin with:\n"
        f'  curl {gateway_url(settings)}/v1/generations -H "Authorization: Bearer $(cat {key_file})" \\\n'
        '    -H \'Content-Type: application/json\' -d \'{"model": "nano-banana", "prompt": "a lighthouse in fog"}\''
    )


def _create(settings: Settings) -> str:
    database = Database(settings.database_url)
    try:
        with database.transaction() as session:
            customer = customers.find_customer(session, NAME) or customers.create_customer(session, NAME)
            ledger.grant(session, customer.id, CREDITS, reference="first run")
            return customers.create_api_key(session, customer.id)
    finally:
        database.dispose()
