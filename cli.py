"""The `reelworks` command."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import UUID

import structlog
import typer
from dotenv import load_dotenv
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.markup import escape

from schemas.enums import SweepKind
from schemas.errors import NotFound, ReelworksError
from schemas.logs import configure_logging
from schemas.settings import Settings, get_settings
from workers.roles import Role

if TYPE_CHECKING:
    from sqlmodel import Session

app = typer.Typer(
    name="reelworks",
    help="Turn generation requests into stored, paid-for media.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
customers = typer.Typer(no_args_is_help=True, help="Customers and their API keys.")
credits_app = typer.Typer(no_args_is_help=True, help="A customer's credits.")
providers_app = typer.Typer(no_args_is_help=True, help="The vendor accounts that make the media.")
app.add_typer(customers, name="customers")
app.add_typer(credits_app, name="credits")
app.add_typer(providers_app, name="providers")

# A slip of the finger ends here, far below what a BIGINT holds; up to here every JSON reader is exact.
_MOST_CREDITS = 2**53 - 1

# A pipe or a file has no width, so what goes there need not be folded.
console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200)
errors = Console(stderr=True)


# --- the system ---------------------------------------------------------------------------------------------------


@app.command()
def up() -> None:
    """Run the whole system on this machine, in the foreground: one Ctrl-C ends it."""
    _require_local_extra()
    from stack.first_customer import ensure_first_customer
    from stack.up import up as run_up

    settings = _settings()
    sys.exit(run_up(settings, settings.data_folder, on_ready=ensure_first_customer))


@app.command()
def demo(
    provider: Annotated[
        str | None, typer.Option(help="send one request through this vendor instead; `all`: one through each")
    ] = None,
) -> None:
    """Make two images and three videos against the sandbox, and show every step."""
    _require_local_extra()
    from stack.demo import run_demo

    settings = _settings()
    sys.exit(run_demo(settings, settings.data_folder / "demo", provider=provider))


@app.command()
def gateway() -> None:
    """Serve the HTTP API."""
    import uvicorn

    settings = _service_settings()
    _require_good_accounts(settings)
    configure_logging(settings)
    uvicorn.run(
        "api_gateway:create_app",
        factory=True,
        host=settings.gateway_host,
        port=settings.gateway_port,
        timeout_graceful_shutdown=settings.gateway_drain_seconds,
        log_config=None,
        access_log=False,
        server_header=False,
    )


@app.command()
def worker(
    role: Annotated[Role | None, typer.Option(help="which queues to serve; every role if left out")] = None,
    processes: Annotated[int, typer.Option(min=1, help="worker processes of each role to keep alive")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="threads in each; default: the role's own")] = None,
) -> None:
    """Run worker processes for a role, or one for each, and restart one that exits."""
    from workers.supervisor import Supervisor, worker_commands

    settings = _service_settings()
    _require_good_accounts(settings)
    configure_logging(settings)
    roles = list(Role) if role is None else [role]
    commands = worker_commands(roles, processes=processes, threads=threads)
    Supervisor(commands, drain_seconds=settings.worker_drain_seconds).run()


@app.command()
def beat() -> None:
    """Send the wake-up of every second. Run one; more do no harm."""
    from workers.beat import run_beat

    settings = _service_settings()
    configure_logging(settings)
    run_beat(settings)


@app.command()
def flower() -> None:
    """Serve Flower, Celery's monitor."""
    from workers.flower import run_flower

    settings = _service_settings()
    configure_logging(settings)
    run_flower(settings)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def sandbox(context: typer.Context) -> None:
    """Serve the vendors' wires from a simulator: no key, no cost, and trouble on request."""
    port = str(_settings().sandbox.port)
    command = [sys.executable, "-P", "-m", "sandbox", "--port", port, *context.args]
    os.execv(sys.executable, command)  # noqa: S606 -- our own module: it takes this process's place and its signals


@app.command()
def urls(
    name: Annotated[str | None, typer.Argument(help="print this one alone, such as `redis`")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="tell it as one JSON document")] = False,
) -> None:
    """Print where gateway, Flower, database, Redis and S3 are, with their passwords."""
    from stack.urls import show_urls

    show_urls(_service_settings(), console, name=name, as_json=as_json)


# --- the vendors --------------------------------------------------------------------------------------------------


@app.command()
def models() -> None:
    """Show the catalogue: what can be ordered, what it costs, and which account serves it."""
    from providers.registry import Providers
    from stack.models_table import show_models

    show_models(Providers(_provider_settings().providers).available(), console)


@providers_app.command("check")
def check_providers(
    names: Annotated[
        list[str] | None, typer.Argument(help="accounts; every one that is configured if left out")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="tell it as one JSON document")] = False,
) -> None:
    """Ask whether keys and addresses are good, at no cost; exit with 1 if one is not."""
    from stack.accounts import check_accounts

    settings = _provider_settings()
    # The table says what became of each call.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if not settings.providers.names() and not names:
        _refuse("no account is configured: set REELWORKS_PROVIDERS__KIE__API_KEY, or that of another account")
    if not check_accounts(settings, names or [], console, as_json=as_json):
        raise typer.Exit(1)


# --- the data -----------------------------------------------------------------------------------------------------


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema and make sure that the bucket is there."""
    from storage.migrate import upgrade
    from storage.objects import ObjectStore

    settings = _service_settings()
    upgrade(settings.database_url)
    objects = ObjectStore(settings.s3)
    objects.ensure_bucket()
    objects.close()
    console.print("The database and the bucket are ready.")


@app.command()
def audit(
    as_json: Annotated[bool, typer.Option("--json", help="tell it as one JSON document")] = False,
    online: Annotated[
        bool, typer.Option("--online", help="only what changed lately, and no stored file: for every minute")
    ] = False,
    window: Annotated[float, typer.Option(min=1, max=1440, help="minutes that --online looks back")] = 15,
) -> None:
    """Check what must always hold; exit with 1 if something does not."""
    from stack.report import run_audit, run_online_audit

    settings = _service_settings()
    if online:
        holds = run_online_audit(settings, console, window=timedelta(minutes=window), as_json=as_json)
    else:
        holds = run_audit(settings, console, as_json=as_json)
    if not holds:
        raise typer.Exit(1)


@app.command()
def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only count what would be removed")] = False,
    only: Annotated[list[SweepKind] | None, typer.Option(help="one kind alone; may be given several times")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="tell it as one JSON document")] = False,
) -> None:
    """Remove what is no longer needed; the workers do it every hour. Exit with 1 if something could not be removed."""
    from stack.sweeping import run_sweep

    settings = _service_settings()
    if not run_sweep(settings, console, kinds=only or tuple(SweepKind), is_dry=dry_run, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def timeline(generation: Annotated[UUID, typer.Argument(help="the generation's id")]) -> None:
    """Show what happened to a generation, step by step."""
    from stack.showing import show_timeline
    from storage import generations
    from storage import timeline as storage

    with _transaction() as session:
        found = generations.find(session, generation)
        events = storage.read(session, generation)
    if found is None:
        raise NotFound(f"there is no generation {generation}")
    show_timeline(found, events, console)


@customers.command("create")
def create_customer(name: Annotated[str, typer.Argument(help="how the customer is called")]) -> None:
    """Create a customer and its first API key; the key is shown once."""
    from storage import customers as storage

    with _transaction() as session:
        customer = storage.create_customer(session, name)
        key = storage.create_api_key(session, customer.id)
    console.print(f"customer {customer.id}\napi key  {key}", soft_wrap=True)


@customers.command("key")
def create_key(customer: Annotated[UUID, typer.Argument(help="the customer's id")]) -> None:
    """Create another API key for a customer; it is shown once."""
    from storage import customers as storage

    with _transaction() as session:
        key = storage.create_api_key(session, customer)
    console.print(f"api key  {key}", soft_wrap=True)


@customers.command("revoke")
def revoke_key(
    customer: Annotated[UUID, typer.Argument(help="the customer's id")],
    key: Annotated[str, typer.Argument(help="the whole key, or exactly its first 8 characters")],
) -> None:
    """Revoke an API key of a customer."""
    from storage import customers as storage

    with _transaction() as session:
        count = storage.revoke_api_keys(session, customer, key)
    if not count:
        raise NotFound(
            f"customer {customer} has no live key like that: give the whole key, or exactly its first 8 characters"
        )
    console.print(f"{count} key(s) revoked")


@credits_app.command("grant")
def grant(
    customer: Annotated[UUID, typer.Argument(help="the customer's id")],
    amount: Annotated[int, typer.Argument(min=1, max=_MOST_CREDITS, help="credits")],
    reference: Annotated[str, typer.Option(help="makes the grant happen once, e.g. an invoice number")],
    reason: Annotated[str | None, typer.Option(help="for the record")] = None,
) -> None:
    """Add credits. The same reference again changes nothing."""
    from storage import ledger

    with _transaction() as session:
        ledger.grant(session, customer, amount, reference=reference, reason=reason)
        balance = ledger.balance(session, customer)
    console.print(f"available {balance.available}, held {balance.held}")


@credits_app.command("refund")
def refund(
    customer: Annotated[UUID, typer.Argument(help="the customer's id")],
    generation: Annotated[UUID, typer.Argument(help="the generation's id")],
    amount: Annotated[int, typer.Argument(min=1, max=_MOST_CREDITS, help="credits, at most what was captured")],
    reference: Annotated[str, typer.Option(help="makes the refund happen once, e.g. a ticket's number")],
    reason: Annotated[str, typer.Option(help="for the record")],
) -> None:
    """Give captured credits back. The same reference again changes nothing."""
    from storage import ledger

    with _transaction() as session:
        ledger.refund(session, customer, generation, amount, reference=reference, reason=reason)
        balance = ledger.balance(session, customer)
    console.print(f"available {balance.available}, held {balance.held}")


@credits_app.command("show")
def show_credits(customer: Annotated[UUID, typer.Argument(help="the customer's id")]) -> None:
    """Show a customer's credits."""
    from storage import ledger

    with _transaction() as session:
        balance = ledger.balance(session, customer)
    console.print(f"available {balance.available}, held {balance.held}")


# --- shared -------------------------------------------------------------------------------------------------------


def _settings() -> Settings:
    """The settings, or a clear end: which variable is wrong, and how."""
    try:
        return get_settings()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "__".join(str(part) for part in problem["loc"]).upper()
            errors.print(f"[red]REELWORKS_{name}[/red]: {escape(problem['msg'])}", soft_wrap=True)
        raise typer.Exit(2) from None
    except SettingsError as error:
        # A list that is no JSON: the text names the setting, and not its value.
        _refuse(str(error))


@contextmanager
def _transaction() -> Iterator["Session"]:
    """One transaction in the database that the settings name."""
    from storage.database import Database

    database = Database(_service_settings().database_url)
    try:
        with database.transaction() as session:
            yield session
    finally:
        database.dispose()


def _require_good_accounts(settings: Settings) -> None:
    """End the start of a process whose vendor accounts cannot be used as they are configured."""
    from providers.registry import Providers

    providers = Providers(settings.providers)
    try:
        providers.load()
    finally:
        providers.close()


def _provider_settings() -> Settings:
    """The settings of a command that needs the vendors alone."""
    settings = _settings()
    return settings if settings.providers.names() else _running_settings()


def _running_settings() -> Settings:
    """Those of the running `reelworks up`; without one, those of the environment."""
    from stack.running import environment_file

    path = environment_file(_settings().data_folder)
    if path.exists():
        # Into the environment, so that the processes that a command starts find them, too.
        load_dotenv(path)
        get_settings.cache_clear()
    return _settings()


def _service_settings() -> Settings:
    """The settings of a process that needs all three services."""
    settings = _settings()
    if _missing_services(settings):
        settings = _running_settings()
    if missing := _missing_services(settings):
        _refuse(
            f"{' and '.join(missing)} must be set: in the environment, or in .env. "
            "While `reelworks up` runs, its own services are found by themselves."
        )
    return settings


def _missing_services(settings: Settings) -> list[str]:
    needed = {
        "REELWORKS_DATABASE_URL": settings.database_url,
        "REELWORKS_REDIS_URL": settings.redis_url,
        "REELWORKS_S3__ENDPOINT": settings.s3.endpoint,
    }
    return [name for name, value in needed.items() if not value]


def _require_local_extra() -> None:
    """End a command that starts servers of its own where their packages are not installed."""
    from stack.local_extra import HINT, missing

    if names := missing():
        _refuse(f"{', '.join(names)}: not installed; {HINT}")


def _refuse(message: str) -> NoReturn:
    errors.print(message, markup=False, soft_wrap=True)
    raise typer.Exit(2)


def main() -> None:
    """The console script. What Reelworks raises on purpose, and a service that is away, is a line and no traceback."""
    try:
        # The command itself: `app()` would set an attribute on an exception, which minio's S3Error does not allow.
        typer.main.get_command(app)()
    except Exception as error:
        message = _explained(error)
        if message is None:
            raise
        errors.print(message, style="red", markup=False, soft_wrap=True)
        sys.exit(1)


def _explained(error: Exception) -> str | None:
    if isinstance(error, ReelworksError):
        return str(error)
    from stack.outages import in_words

    return in_words(error, get_settings())


if __name__ == "__main__":
    main()
