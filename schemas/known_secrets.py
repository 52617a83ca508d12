"""The secrets of a process's settings. No output may hold one, and no message to a vendor or a customer."""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from schemas.setting_groups import ProviderSettings, ProvidersSettings
from schemas.settings import Settings
from schemas.variables import every

# The name of an option or of a variable that holds a secret.
_KEY = re.compile("key|secret|token|password|auth", re.IGNORECASE)

# A shorter secret could be a common word, which log lines need.
_SHORTEST = 8


def keys_of(settings: ProviderSettings) -> Iterator[str]:
    """The keys of an account, also those among the options."""
    keys = (settings.api_key, settings.webhook_key, settings.also_accepted_webhook_key)
    options = (value for name, value in settings.options.items() if _KEY.search(name))
    yield from filter(None, (key.get_secret_value() for key in (*keys, *options)))


def secrets_of(settings: Settings) -> frozenset[str]:
    """Every secret of at least 8 characters: of the settings, and of the variables of Flower and OpenTelemetry."""
    login = settings.flower_basic_auth.get_secret_value()
    found = {*_secrets_in(settings), login.partition(":")[2], *_variables_of_libraries()}
    return frozenset(secret for secret in found if len(secret) >= _SHORTEST)


def _secrets_in(settings: BaseModel) -> Iterator[str]:
    """The secrets of a group of settings and of its groups. A new field needs no entry here."""
    for _, value in settings.root.items() if isinstance(settings, ProvidersSettings) else settings:
        match value:
            case SecretStr():
                yield value.get_secret_value()
            case list():
                yield from (each.get_secret_value() for each in value if isinstance(each, SecretStr))
            case ProviderSettings():
                yield from keys_of(value)
                yield from _passwords_in(value.base_url)
            case BaseModel():
                yield from _secrets_in(value)
            case str():
                yield from _passwords_in(value)


def _passwords_in(url: str) -> Iterator[str]:
    """The password of a URL, as it stands and decoded. Nothing for other texts."""
    try:
        password = urlsplit(url).password if "@" in url else None
    except ValueError:
        return
    if password:
        yield from {password, unquote(password)}


def _variables_of_libraries() -> Iterator[str]:
    """What libraries read by themselves: Flower's secrets, and the headers that open a collector of traces.

    The settings' file has such variables, too: OpenTelemetry receives them only later.
    """
    for name, value in every().items():
        if name.startswith("FLOWER_") and _KEY.search(name):
            yield value
        elif name.startswith("OTEL_") and name.endswith("_HEADERS"):
            yield from (unquote(header.partition("=")[2]).strip() for header in value.split(","))
