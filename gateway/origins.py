"""Origins of pages, as browsers send them in `Origin`."""

from urllib.parse import urlsplit

from schemas.settings import Settings


def origin_of(url: str) -> str:
    """The origin of a URL: scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def own_origins(settings: Settings) -> set[str]:
    """The gateway's own origins, as the settings name them."""
    return {origin_of(url) for url in (settings.public_url, settings.gateway_url)}
