"""The settings of a command, and the database that they name."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from dotenv import load_dotenv
from pydantic import ValidationError
from pydantic_settings import SettingsError

from cli.console import errors, refuse
from schemas import variables
from schemas.settings import Settings, get_settings

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.database import Database
    from storage.objects import ObjectStore

_WARNED = "_REELWORKS_VARIABLES_WERE_NAMED"


def plain_settings() -> Settings:
    """The settings. End the command with the wrong variable and the reason if a setting is wrong."""
    try:
        return get_settings()
    except ValidationError as error:
        refuse("\n".join(variables.in_words(error)))
    except SettingsError as error:
        # A list is not valid JSON. The error names a group of settings, not the variable.
        refuse("\n".join(variables.not_json(variables.given())) or str(error))


def warn_of_unknown_variables() -> None:
    """Print a warning for each variable that no setting reads.

    Such a variable is no error: during a deploy, two versions share one environment, and the old version must start
    with the settings of the new version. The processes that a command starts do not repeat the warning.
    """
    if _WARNED in os.environ:
        return
    for one in variables.unknown(variables.given()):
        os.environ[_WARNED] = "yes"
        errors.print(f"warning: {one}", style="yellow", markup=False, soft_wrap=True)


def provider_settings() -> Settings:
    """The settings of a command that needs only the vendors."""
    settings = plain_settings()
    return settings if settings.providers.names() else _running_settings()


def service_settings() -> Settings:
    """The settings of a process that needs all three services."""
    settings = plain_settings()
    if _missing_services(settings):
        settings = _running_settings()
    if missing := _missing_services(settings):
        refuse(
            f"{' and '.join(missing)} must be set: in the environment, or in .env. "
            "While `reelworks up` runs, its own services are found by themselves."
        )
    return settings


def found_settings() -> Settings:
    """The settings, with the services of a running `reelworks up` if the environment names none.

    Raises:
        ValidationError, SettingsError: a setting is wrong.
    """
    settings = get_settings()
    return _running_settings() if _missing_services(settings) else settings


def gateway_url() -> str:
    """The address of the gateway: that of the running `reelworks up`, or else of the settings."""
    settings = plain_settings()
    return (_running_settings() if _missing_services(settings) else settings).gateway_url


def require_good_accounts(settings: Settings) -> None:
    """Check the configuration of the vendor accounts before the command starts a process.

    Raises:
        InvalidSettings: the name of an account is wrong, or an account lacks a setting.
    """
    from providers.registry import Providers

    providers = Providers(settings.providers)
    try:
        providers.load()
    finally:
        providers.close()


@contextmanager
def transaction() -> Iterator["Session"]:
    """A transaction in the database that the settings name."""
    from storage.database import Database

    database = Database(service_settings().database_url)
    try:
        with database.transaction() as session:
            yield session
    finally:
        database.dispose()


@contextmanager
def stores() -> Iterator[tuple["Database", "ObjectStore"]]:
    """The database and the object store that the settings name."""
    from storage.database import Database
    from storage.objects import ObjectStore

    settings = service_settings()
    with ExitStack() as ends:
        database, objects = Database(settings.database_url), ObjectStore(settings.s3)
        ends.callback(database.dispose)
        ends.callback(objects.close)
        yield database, objects


def _running_settings() -> Settings:
    """The settings of the running `reelworks up`. If none runs, the settings of the environment."""
    from stack.running import environment_file

    path = environment_file(plain_settings().data_folder)
    if path.exists():
        # The environment also carries the settings to the processes that the command starts.
        load_dotenv(path)
        get_settings.cache_clear()
    return plain_settings()


def _missing_services(settings: Settings) -> list[str]:
    needed = {
        "REELWORKS_DATABASE_URL": settings.database_url,
        "REELWORKS_REDIS_URL": settings.redis_url,
        "REELWORKS_S3__ENDPOINT": settings.s3.endpoint,
    }
    return [name for name, value in needed.items() if not value]
