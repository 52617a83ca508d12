"""Prints the addresses and passwords of a running system, for clients and tools on this machine."""

import json

from rich.console import Console

from schemas.errors import NotFound
from schemas.settings import Settings
from stack.wiring import flower_url, gateway_url, sandbox_url


def show_urls(settings: Settings, console: Console, *, name: str | None, as_json: bool) -> None:
    """Print every address with its credentials, or the value of one name.

    Args:
        settings: the settings of the running system.
        console: the console.
        name: one of the printed names. None prints all.
        as_json: print one JSON document, and nothing else.

    Raises:
        NotFound: the name does not exist.
    """
    urls = urls_of(settings)
    if name is not None and name not in urls:
        raise NotFound(f"there is no {name!r}: choose {', '.join(urls)}")
    if as_json:
        console.out(json.dumps(urls if name is None else {name: urls[name]}, indent=2), highlight=False)
    elif name is not None:
        console.out(urls[name], highlight=False)
    else:
        width = max(map(len, urls))
        for label, value in urls.items():
            console.out(f"{label:<{width}}  {value}", highlight=False)


def urls_of(settings: Settings) -> dict[str, str]:
    """The addresses by name. Each URL has the form that the usual clients take."""
    s3 = settings.s3
    urls = {
        "gateway": gateway_url(settings),
        "flower": flower_url(settings),
        "database": settings.database_url,
        "redis": settings.redis_url,
        "s3": f"{'https' if s3.secure else 'http'}://{s3.endpoint}",
        "s3_bucket": s3.bucket,
        "s3_access_key": s3.access_key,
        "s3_secret_key": s3.secret_key.get_secret_value(),
    }
    accounts = (settings.providers.named(name) for name in settings.providers.names())
    if any(account.base_url.startswith(f"{sandbox_url(settings)}/") for account in accounts):
        urls["sandbox"] = sandbox_url(settings)
    return urls
