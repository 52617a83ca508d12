"""Authentication at Google: an access token in the header of every call. google-auth gets the token from Google.

An account's key is one of four: the text of a service account's key file, the path of a key file, `application-default`
(https://cloud.google.com/docs/authentication/application-default-credentials), or an access token from
`gcloud auth print-access-token`, which lasts an hour.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, cast

import google.auth
import httpx
from google.auth import transport as google_transport
from google.auth.credentials import Credentials as GoogleCredentials
from google.auth.credentials import TokenState
from google.auth.exceptions import GoogleAuthError, TransportError
from google.oauth2 import service_account
from pydantic import BaseModel, ValidationError

from providers.account import Credentials
from providers.http.calls import Call, Raw, Reply
from providers.http.transport import Transport
from schemas.errors import InvalidSettings
from schemas.names import ProviderName
from schemas.provider_errors import ProviderAuthFailed, ProviderError, ProviderUnavailable
from schemas.setting_groups import ProviderSettings

APPLICATION_DEFAULT: Final = "application-default"
SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)

# No access token matches this pattern.
_PATH: Final = re.compile(r"[/~.].*|.*\.json")
_OAUTH_CODE: Final = re.compile(r"[a-z_]{1,40}")

# The exceptions that google-auth raises for an answer from another server: it reads the token without checks.
_UNREADABLE: Final = (AttributeError, KeyError, TypeError, ValueError)

_Load = Callable[["_Http"], GoogleCredentials]


def read_credentials(provider: ProviderName, settings: ProviderSettings, transport: Transport) -> Credentials:
    """The credentials of an account's key.

    Raises:
        InvalidSettings: the key looks like a key file and is not one. Names the variable and quotes nothing.
    """
    key = settings.api_key.get_secret_value().strip()
    if key == APPLICATION_DEFAULT:
        return AccessTokens(provider, _application_default, transport, settings.timeout_seconds)
    if key.startswith("{"):
        text = key
    elif _PATH.fullmatch(key):
        text = _read_file(provider, key)
    else:
        return lambda: {"Authorization": f"Bearer {key}"}
    credentials = _service_account(provider, text)
    return AccessTokens(provider, lambda _: credentials, transport, settings.timeout_seconds)


class AccessTokens:
    """Makes headers with an access token that is valid for some minutes. Safe to share between threads."""

    def __init__(self, provider: ProviderName, load: _Load, transport: Transport, timeout_seconds: float) -> None:
        """`load` finds the credentials, at the first call."""
        self._provider = provider
        self._load = load
        self._transport = transport
        self._timeout_seconds = timeout_seconds
        self._credentials: GoogleCredentials | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Mapping[str, str]:
        """The headers for a call now. Returns or raises within the account's time limit.

        Raises:
            ProviderUnavailable: Google gave no token this time.
            ProviderAuthFailed: Google refuses the credentials, or there are none.
        """
        ends_at = time.monotonic() + self._timeout_seconds
        # One thread fetches a token, and the other threads wait for it.
        if not self._lock.acquire(timeout=self._timeout_seconds):
            raise ProviderUnavailable(f"{self._provider} had no access token for us in time")
        try:
            return self._headers(_Http(self._provider, self._transport, ends_at))
        except TransportError:
            raise ProviderUnavailable(f"{self._provider} gave no access token: no answer from Google") from None
        except GoogleAuthError as error:
            # Not quoted and not chained: the error's text can contain the request to the token endpoint or its answer.
            raise self._refused(error) from None
        except _UNREADABLE:
            raise ProviderUnavailable(f"{self._provider} gave no access token: the answer is unreadable") from None
        finally:
            self._lock.release()

    def _headers(self, http: "_Http") -> Mapping[str, str]:
        if self._credentials is None:
            self._credentials = self._load(http)
        if self._credentials.token_state is not TokenState.FRESH:
            try:
                self._credentials.refresh(http)  # type: ignore[no-untyped-call]  # all of google-auth is so
            except (GoogleAuthError, ProviderError, *_UNREADABLE):
                if self._credentials.token_state is TokenState.INVALID:
                    raise
        headers: dict[str, str] = {}
        self._credentials.apply(headers)  # type: ignore[no-untyped-call]
        return headers

    def _refused(self, error: GoogleAuthError) -> ProviderError:
        answer = error.args[1] if len(error.args) > 1 else None
        code = answer.get("error") if isinstance(answer, Mapping) else None
        reason = code if isinstance(code, str) and _OAUTH_CODE.fullmatch(code) else type(error).__name__
        text = f"{self._provider} gave no access token: {reason}"
        is_passing = error.retryable or isinstance(error.__cause__, TransportError)
        return ProviderUnavailable(text) if is_passing else ProviderAuthFailed(text)


class _KeyFile(BaseModel):
    """The required fields of a service account's key file."""

    type: Literal["service_account"]
    client_email: str
    private_key: str
    token_uri: str


def _service_account(provider: ProviderName, text: str) -> GoogleCredentials:
    try:
        key = _KeyFile.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _bad_key(provider, ".".join(map(str, problem["loc"])) or "JSON", problem["type"]) from None
    try:
        made = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            {**json.loads(text), **key.model_dump()}, scopes=SCOPES
        )
    except (ValueError, GoogleAuthError):
        raise _bad_key(provider, "private_key", "not a key") from None
    return cast("GoogleCredentials", made)


def _application_default(http: "_Http") -> GoogleCredentials:
    credentials, _project = google.auth.default(scopes=SCOPES, request=http)
    return credentials


def _read_file(provider: ProviderName, path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, RuntimeError, ValueError) as error:
        raise _bad_key(provider, "the file", type(error).__name__) from None


def _bad_key(provider: ProviderName, part: str, problem: str) -> InvalidSettings:
    variable = f"REELWORKS_PROVIDERS__{provider.upper()}__API_KEY"
    return InvalidSettings(
        f"{variable}: no service account's key file ({part}: {problem}); it takes the text or the path of one, "
        f"{APPLICATION_DEFAULT}, or an access token"
    )


class _Http(google_transport.Request):
    """google-auth's HTTP interface over our `Transport`, with a time limit."""

    def __init__(self, provider: ProviderName, transport: Transport, ends_at: float) -> None:
        self._provider = provider
        self._transport = transport
        self._ends_at = ends_at

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_options: object,
    ) -> "_Answer":
        """Make a call.

        Raises:
            TransportError: no answer, or a status that can pass.
            ProviderUnavailable: the time limit is over.
        """
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise ProviderUnavailable(f"{self._provider} gave no access token in time")
        sent = httpx.Headers(dict(headers or {}))
        content_type = sent.pop("Content-Type", "application/octet-stream")
        content = body.encode() if isinstance(body, str) else body
        call = Call(
            provider=self._provider,
            operation="token",
            method=cast("Literal['GET', 'POST', 'PUT']", method),
            url=url,
            timeout_seconds=min(left, timeout or left),
            headers=sent,
            body=None if content is None else Raw(content_type, content),
        )
        try:
            reply = self._transport.send(call)
        except ProviderError as error:
            raise _no_answer(error.message) from None
        # google-auth would sleep and retry at these statuses. The pipeline retries instead.
        if reply.status in google_transport.DEFAULT_RETRYABLE_STATUS_CODES:
            raise _no_answer(f"HTTP {reply.status}")
        return _Answer(reply)


def _no_answer(text: str) -> TransportError:
    return TransportError(text)  # type: ignore[no-untyped-call]


class _Answer(google_transport.Response):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    @property
    def status(self) -> int:
        return self._reply.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._reply.headers

    @property
    def data(self) -> bytes:
        return self._reply.content
