"""A vendor account: the API's address, the keys, and authenticated calls."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from providers.base import Fence, Profile
from providers.http.calls import Call, Form, Reply
from providers.http.transport import Transport
from schemas.errors import InvalidSettings
from schemas.known_secrets import keys_of
from schemas.names import ProviderName
from schemas.provider_errors import ProviderBadResponse
from schemas.setting_groups import ProviderSettings

Credentials = Callable[[], Mapping[str, str]]
"""Returns the authentication headers. Runs before each call, because a token can expire between calls."""

_HAS_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)

OptionsT = TypeVar("OptionsT", bound=BaseModel)


def read_options(provider: ProviderName, settings: ProviderSettings, model: type[OptionsT]) -> OptionsT:
    """Reads an account's `options` into the adapter's model.

    Raises:
        InvalidSettings: an option is missing, unknown or wrong; the message names its variable.
    """
    try:
        return model.model_validate({name: value.get_secret_value() for name, value in settings.options.items()})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        variable = "__".join(["REELWORKS_PROVIDERS", provider, "OPTIONS", *map(str, problem["loc"])]).upper()
        known = ", ".join(sorted(model.model_fields)) or "none"
        raise InvalidSettings(f"{variable}: {problem['msg']}; the options of {provider} are: {known}") from None


class Account:
    """An account at a vendor's HTTP API.

    Each of `webhook_keys` verifies the signatures of the vendor's callbacks. None: the callbacks have no signature.
    """

    def __init__(
        self,
        provider: ProviderName,
        settings: ProviderSettings,
        transport: Transport,
        profile: Profile,
        *,
        base_url: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        """Makes the account, without a call.

        Args:
            base_url: the vendor's address, where the profile has none.
            credentials: returns headers to send instead of the key, for a vendor that takes a token.

        Raises:
            InvalidSettings: neither the profile nor the settings have an address.
        """
        address = settings.base_url or base_url or profile.base_url
        if address is None:
            variable = f"REELWORKS_PROVIDERS__{provider.upper()}__BASE_URL"
            raise InvalidSettings(f"the provider {provider} needs an address: set {variable}")
        given = (settings.webhook_key, settings.also_accepted_webhook_key)
        self.webhook_keys = [key.get_secret_value() for key in given if key.get_secret_value()]
        self._provider = provider
        self._profile = profile
        self._base_url = address.rstrip("/")
        self._key = settings.api_key.get_secret_value()
        self._credentials = credentials or self._key_headers
        self._keys = tuple(keys_of(settings))
        self._sent = _Sent()
        self._timeout_seconds = settings.timeout_seconds
        self._create_seconds = settings.create_seconds(profile.create_seconds)
        self._transport = transport

    def call(
        self,
        operation: str,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | Form | None = None,
        fence: Fence | None = None,
        elide: str | None = None,
        keeps_file: bool = False,
    ) -> Reply:
        """Make a call with our key and read the answer, whatever its status.

        Args:
            fence: makes the call a create.
            elide: the JSON member with an embedded file. The answer is read without long values of this member.
            keeps_file: keep the embedded file in `Reply.file`.

        Raises: as `Transport.send` does.
        """
        return self._transport.send(
            Call(
                provider=self._provider,
                operation=operation,
                method=method,
                url=self.url(path),
                timeout_seconds=self._timeout_seconds if fence is None else self._create_seconds,
                headers={**self._profile.headers, **self._authenticated()},
                params=params,
                body=body,
                fence=fence,
                elide=elide,
                keeps_file=keeps_file,
            )
        )

    def post_elsewhere(self, operation: str, url: str, form: Form) -> Reply:
        """Post a form to a URL that the vendor supplied, and read the answer, whatever its status.

        The call carries neither our key nor the account's headers.

        Raises:
            ProviderUnavailable: no answer, or the address policy refuses the URL.
            ProviderBadResponse: the URL is not https although the API's is, or as `Transport.send` does.
        """
        if self._base_url.startswith("https://") and not url.startswith("https://"):
            # A customer's file needs the same protection as our calls.
            raise ProviderBadResponse(f"{self._provider} named an address for {operation} that is not https")
        return self._transport.send(
            Call(
                provider=self._provider,
                operation=operation,
                method="POST",
                url=url,
                timeout_seconds=self._timeout_seconds,
                body=form,
                is_elsewhere=True,
            )
        )

    def url(self, path: str) -> str:
        """The URL of a path of the API."""
        return self._base_url + path

    def absolute(self, link: str) -> str:
        """The URL of a link that a vendor supplied. A path is at the account's address."""
        return link if _HAS_SCHEME.match(link) else str(httpx.URL(f"{self._base_url}/").join(link))

    def headers_for(self, url: str) -> Mapping[str, str]:
        """The headers for fetching a URL: our key for a URL below the base URL, otherwise none."""
        return self._authenticated() if _is_below(url, self._base_url) else {}

    def path_of(self, link: str) -> str | None:
        """The path, for `call`, of a link below the base URL; None for any other link.

        This keeps a vendor's answer from sending our key to another host.
        """
        return link.removeprefix(self._base_url) if link.startswith(f"{self._base_url}/") else None

    def secrets(self) -> Iterator[str]:
        """The keys of every account, and the credentials of this thread's last call. No message may repeat them."""
        yield from self._keys
        yield from self._transport.secrets
        yield from self._sent.headers.values()

    def _authenticated(self) -> Mapping[str, str]:
        self._sent.headers = self._credentials()
        return self._sent.headers

    def _key_headers(self) -> Mapping[str, str]:
        return {self._profile.key_header: f"{self._profile.key_scheme} {self._key}".lstrip()}


class _Sent(threading.local):
    """The credentials of this thread's last call. A token can change from call to call."""

    headers: Mapping[str, str] = MappingProxyType({})


def _is_below(url: str, base_url: str) -> bool:
    # The download parses the URL with httpx too, so both see the same host.
    try:
        asked, base = httpx.URL(url), httpx.URL(base_url)
    except httpx.InvalidURL:
        return False
    climbs = ".." in asked.path.split("/")  # httpx has resolved every ".." but percent-encoded ones
    return not climbs and str(asked).startswith(f"{base}/")
