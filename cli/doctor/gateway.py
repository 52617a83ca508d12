"""Checks the gateway at its public URL."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx

from cli.doctor import clock
from cli.doctor.findings import Finding, error, ok, warning
from providers.registry import Providers
from schemas.input_link import input_link
from schemas.settings import Settings

_SECONDS = 5.0
_NO_FILE = "uploads/none-of-this-name"
_PROXY = "start the gateway, or correct REELWORKS_PUBLIC_URL, the proxy and DNS"


def checks(settings: Settings) -> Iterator[Finding]:
    """Whether providers and customers reach this system's gateway."""
    yield from public_url(settings)
    yield from callbacks(settings)


def public_url(settings: Settings) -> Iterator[Finding]:
    """Whether the public URL leads to a gateway with our secret key.

    The gateway answers 404 to a link to a file that does not exist, and 401 if another key signed the link.
    """
    name, url = "public URL", settings.public_url
    secret = settings.secret_key.get_secret_value()
    link = input_link(url, secret, _NO_FILE, datetime.now(UTC) + timedelta(minutes=5))
    before = time.time()
    try:
        health = httpx.get(f"{url}/healthz", timeout=_SECONDS, trust_env=False)
        answer = httpx.get(link, timeout=_SECONDS, trust_env=False)
    except httpx.HTTPError as trouble:
        yield error(name, f"{url} does not answer: {_cause(trouble)}", _PROXY)
        return
    yield from clock.by_header("the gateway", health.headers.get("date"), before=before)
    if health.is_redirect:
        yield error(
            name, f"{url} redirects to {health.headers.get('location')}", "set REELWORKS_PUBLIC_URL to that URL"
        )
    elif not health.is_success:
        yield error(name, f"{url}/healthz answers {health.status_code}: no gateway is there", _PROXY)
    elif answer.status_code == httpx.codes.UNAUTHORIZED:
        says = f"the gateway at {url} has another secret key: it refuses callbacks and links of this configuration"
        yield error(name, says, "set the same REELWORKS_SECRET_KEY for all processes, and restart them")
    elif answer.status_code != httpx.codes.NOT_FOUND:
        yield error(name, f"{url} is not our gateway: it answers {answer.status_code} to a link to an input", _PROXY)
    else:
        yield ok(name, f"{url} is our gateway, seen from this machine")


def callbacks(settings: Settings) -> Iterator[Finding]:
    """Whether providers can reach the public URL, judged by the URL alone."""
    providers = Providers(settings.providers, public_url=settings.public_url)
    try:
        cut_off = providers.out_of_reach()
    finally:
        providers.close()
    if cut_off:
        says = f"{settings.public_url} is a private address: {', '.join(cut_off)} cannot call back, and are polled"
        yield warning("callbacks", says, "set REELWORKS_PUBLIC_URL to an address on the internet")
    elif settings.public_url.startswith("http://") and settings.environment == "production":
        yield warning(
            "callbacks", "the public URL is not https: callbacks and keys can be read on their way", "use TLS"
        )


def _cause(trouble: httpx.HTTPError) -> str:
    """The error in words: the text names the host or the certificate, and no secret."""
    return f"{type(trouble).__name__} ({trouble})" if str(trouble) else type(trouble).__name__
