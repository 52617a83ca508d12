"""Links to results that work without an API key: for `<video src>`, `window.open` and a plain `fetch` of a page."""

import time
from dataclasses import dataclass

from fastapi import Request

from gateway.dependencies import GatewayServices
from schemas.content_link import content_link, gateway_secret
from schemas.tables import Asset


@dataclass(frozen=True)
class PublicLinks:
    """Makes links that work for `seeds.link_seconds` without a key."""

    services: GatewayServices
    """The services of the gateway."""
    request: Request | None = None
    """The request to answer. A gateway without a public URL of its own links to the address of the request."""

    def of(self, asset: Asset, *, saved_as: str | None = None) -> str:
        """An absolute URL of a stored file: at the CDN if there is one, else at the gateway.

        Args:
            saved_as: the name under which a browser saves the file. None: the browser shows the file.
        """
        settings = self.services.settings
        if settings.cdn.base_url:
            base_url, secret = settings.cdn.base_url, settings.cdn.secret.get_secret_value()
        else:
            base_url, secret = f"{self._gateway()}/files", gateway_secret(settings.secret_key.get_secret_value())
        seconds = settings.seeds.link_seconds
        return content_link(base_url, secret, asset.object_key, now=time.time(), saved_as=saved_as, seconds=seconds)

    def _gateway(self) -> str:
        settings = self.services.settings
        is_own = settings.public_url == settings.gateway_url
        return str(self.request.base_url).rstrip("/") if is_own and self.request else settings.public_url
