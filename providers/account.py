"""A vendor account as every adapter needs it: where the API is, the keys, and calls that carry them."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from providers.base import Fence, Profile
from providers.http import redaction
from providers.http.calls import Call, Form, Reply
from providers.http.transport import Transport
from schemas.errors import InvalidSettings, ProviderBadResponse
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

Credentials = Callable[[], Mapping[str, str]]
"""The headers that prove who we are, made anew for each call: a token may have run out since the last one."""

OptionsT = TypeVar("OptionsT", bound=BaseModel)


def read_options(provider: ProviderName, settings: ProviderSettings, model: type[OptionsT]) -> OptionsT:
    """An account's `options`, as its adapter describes them.

    Raises:
        InvalidSettings: one is missing, unknown or wrong; names its variable.
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

    `webhook_key` verifies the vendor's callbacks; empty: they are not signed.
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
        """Describes the account.

        Args:
            base_url: the vendor's address, where the profile cannot know it.
            credentials: in place of the key, for a vendor that takes something made of it.

        Raises:
            InvalidSettings: neither the profile nor the settings have an address.
        """
        address = settings.base_url or base_url or profile.base_url
        if address is None:
            variable = f"REELWORKS_PROVIDERS__{provider.upper()}__BASE_URL"
            raise InvalidSettings(f"the provider {provider} needs an address: set {variable}")
        self.webhook_key = settings.webhook_key.get_secret_value()
        self._provider = provider
        self._profile = profile
        self._base_url = address.rstrip("/")
        self._key = settings.api_key.get_secret_value()
        self._credentials = credentials or self._key_headers
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
        """Make a call with our key, and read its answer, of any status. With a `fence` it is a create.

        `elide` names what is left out of the answer where it is long: an embedded file, which is kept in `Reply.file`
        if `keeps_file`.

        Raises: as `Transport.send` does.
        """
        return self._transport.send(
            Call(
                provider=self._provider,
                operation=operation,
                method=method,
                url=self.url(path),
                timeout_seconds=self._timeout_seconds if fence is None else self._create_seconds,
                headers={**self._profile.headers, **self._credentials()},
                params=params,
                body=body,
                fence=fence,
                elide=elide,
                keeps_file=keeps_file,
            )
        )

    def post_elsewhere(self, operation: str, url: str, form: Form) -> Reply:
        """Give something to an address that the vendor named, and read the answer, of any status.

        It gets neither our key nor the account's headers.

        Raises:
            ProviderUnavailable: no answer, or our address policy does not let us go there.
            ProviderBadResponse: as `Transport.send` does.
        """
        if self._base_url.startswith("https://") and not url.startswith("https://"):
            # A customer's file travels no more openly than our calls do.
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
        """Where a path of the API lies."""
        return self._base_url + path

    def headers_for(self, url: str) -> Mapping[str, str]:
        """Headers for fetching a URL: our key, if it lies below the base URL, and none for any other."""
        return self._credentials() if _is_below(url, self._base_url) else {}

    def path_of(self, link: str) -> str | None:
        """The path of a link below this account's address, for `call`; None for any other link.

        A vendor's answer must not choose where our key goes.
        """
        return link.removeprefix(self._base_url) if link.startswith(f"{self._base_url}/") else None

    def quotable(self, text: str, reply: Reply, *, prompt: str = "") -> str:
        """A vendor's text of a reply, without links, our key, what was sent in its place, and the prompt."""
        sent = (value for name, value in reply.call.headers.items() if name not in self._profile.headers)
        return redaction.quotable(text, secrets=(self._key, prompt, *sent))

    def without_keys(self, text: str) -> str:
        """A text without echoes of our keys."""
        return redaction.without(text, secrets=(self._key, self.webhook_key))

    def _key_headers(self) -> Mapping[str, str]:
        return {self._profile.key_header: f"{self._profile.key_scheme} {self._key}".lstrip()}


def _is_below(url: str, base_url: str) -> bool:
    # Read by the same parser that the download goes by, so that both mean the same host.
    try:
        asked, base = httpx.URL(url), httpx.URL(base_url)
    except httpx.InvalidURL:
        return False
    climbs = ".." in asked.path.split("/")  # percent-encoded: others are resolved by now
    return not climbs and str(asked).startswith(f"{base}/")
