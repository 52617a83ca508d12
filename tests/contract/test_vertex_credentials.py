"""Getting an access token from Google: what a key stands for, and a token endpoint that misbehaves."""

import json
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr
from structlog.testing import capture_logs

from providers.account import Credentials
from providers.adapters.vertex.credentials import read_credentials
from providers.http.transport import Transport
from schemas.errors import InvalidSettings
from schemas.provider_errors import ProviderAuthFailed, ProviderError, ProviderUnavailable
from schemas.setting_groups import ProviderSettings
from tests.contract.raw_server import Answer, RawServer, http, raw, silence, unused_port

EMAIL = "reelworks@films.iam.gserviceaccount.com"
PRIVATE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
HOUR = 3600


def key_file(token_uri: str, **changes: object) -> str:
    key = {"type": "service_account", "client_email": EMAIL, "private_key": PEM, "token_uri": token_uri, **changes}
    return json.dumps(key)


def credentials(key: str, transport: Transport, *, timeout: float = 30) -> Credentials:
    return read_credentials("films", ProviderSettings(api_key=SecretStr(key), timeout_seconds=timeout), transport)


def token(value: str, seconds: int = HOUR) -> Answer:
    return http(200, json.dumps({"access_token": value, "expires_in": seconds, "token_type": "Bearer"}).encode())


def bearer(made: Credentials) -> str:
    (value,) = made().values()
    return value


def failure_of(made: Credentials) -> ProviderError:
    """The error of a call, of which neither text nor traceback nor a log line may hold a secret."""
    with pytest.raises(ProviderError) as caught, capture_logs() as lines:
        made()
    told = "".join(traceback.format_exception(caught.value)) + repr(lines)
    secrets = ("BEGIN PRIVATE", PEM.splitlines()[1], "eyJ", "secret", EMAIL)
    assert not [secret for secret in secrets if secret in told]
    return caught.value


def test_an_access_token_is_sent_as_it_is(transport: Transport) -> None:
    assert credentials(" ya29.a/b.json-token\n", transport)() == {"Authorization": "Bearer ya29.a/b.json-token"}


def test_a_service_account_signs_for_a_token_for_googles_cloud(server: RawServer, transport: Transport) -> None:
    server.will(token("first"))
    assert bearer(credentials(key_file(f"{server.url}/token"), transport)) == "Bearer first"
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(request.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(
        form["assertion"][0],
        PRIVATE_KEY.public_key(),
        algorithms=["RS256"],
        audience="https://oauth2.googleapis.com/token",
        issuer=EMAIL,
    )
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"


def test_a_key_can_be_the_path_of_a_key_file(server: RawServer, transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(key_file(f"{server.url}/token"))
    server.will(token("first"))
    assert bearer(credentials(str(path), transport)) == "Bearer first"


@pytest.mark.parametrize(
    "key",
    [
        "/no/such/file",
        "~nobody-of-this-name/key",
        "./key",
        "key.json",
        "{",
        '{"type": "authorized_user", "refresh_token": "secret"}',
        key_file("https://oauth2.example/token", private_key="secret"),
        key_file("https://oauth2.example/token", client_email=None),
    ],
)
def test_a_broken_key_file_is_refused_with_its_variable_and_without_quoting_it(
    key: str, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InvalidSettings, match=r"^REELWORKS_PROVIDERS__FILMS__API_KEY: no service account's key file"
    ) as caught:
        credentials(key, transport)
    told = "".join(traceback.format_exception(caught.value))
    assert "secret" not in told
    assert "BEGIN" not in told


def test_a_key_file_that_is_not_text_is_refused(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidSettings, match="the file: UnicodeDecodeError"):
        credentials(str(path), transport)


def test_a_token_is_reused_until_shortly_before_its_expiry(server: RawServer, transport: Transport) -> None:
    server.will(token("short", 60), token("long"), token("never asked for"))
    made = credentials(key_file(f"{server.url}/token"), transport)
    assert [bearer(made) for _ in range(4)] == ["Bearer short", *["Bearer long"] * 3]
    assert len(server.requests) == 2


def test_threads_that_need_a_token_at_once_share_one(server: RawServer, transport: Transport) -> None:
    entered = threading.Barrier(8)
    server.will(token("shared"), *[token("another")] * 7)
    made = credentials(key_file(f"{server.url}/token"), transport)

    def ask(_number: int) -> str:
        entered.wait()
        return bearer(made)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {"Bearer shared"}
    assert len(server.requests) == 1


OAUTH_ERROR = b'{"error": "invalid_grant", "error_description": "Invalid secret JWT of %s"}' % EMAIL.encode()
# What the token endpoint answers, the error of it, and what is told of that.
TROUBLES: dict[str, tuple[Answer, type[ProviderError], str]] = {
    "refused": (http(400, OAUTH_ERROR), ProviderAuthFailed, "films gave no access token: invalid_grant"),
    "forbidden": (http(403, b"<html>secret</html>"), ProviderAuthFailed, "films gave no access token: RefreshError"),
    "a strange error": (http(400, b'{"error": "a secret!"}'), ProviderAuthFailed, "no access token: RefreshError"),
    "a page as 200": (http(200, b"<html>secret</html>"), ProviderUnavailable, "unreadable"),
    "nothing as 200": (http(200), ProviderUnavailable, "unreadable"),
    "no token": (http(200, b'{"id_token": "secret"}'), ProviderAuthFailed, "no access token: RefreshError"),
    "busy": (http(429), ProviderUnavailable, "no answer from Google"),
    "broken": (http(500), ProviderUnavailable, "no answer from Google"),
    "away": (http(503), ProviderUnavailable, "no answer from Google"),
    "a lifetime that is no number": (
        http(200, b'{"access_token": "secret", "expires_in": "secret"}'),
        ProviderUnavailable,
        "unreadable",
    ),
    "cut": (raw(b""), ProviderUnavailable, "no answer from Google"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_failures_of_the_token_endpoint(server: RawServer, transport: Transport, trouble: str) -> None:
    answer, expected, told = TROUBLES[trouble]
    server.will(answer)
    error = failure_of(credentials(key_file(f"{server.url}/token?secret"), transport))
    assert type(error) is expected
    assert error.message.endswith(told)
    assert len(server.requests) == 1


def test_after_a_failure_the_next_call_fetches_a_token(server: RawServer, transport: Transport) -> None:
    server.will(http(503), token("second"))
    made = credentials(key_file(f"{server.url}/token"), transport)
    assert type(failure_of(made)) is ProviderUnavailable
    assert bearer(made) == "Bearer second"


def test_a_valid_token_is_used_while_the_refresh_fails(server: RawServer, transport: Transport) -> None:
    server.will(token("short", 60), http(503), http(400, OAUTH_ERROR))
    made = credentials(key_file(f"{server.url}/token"), transport)
    assert [bearer(made) for _ in range(3)] == ["Bearer short"] * 3
    assert len(server.requests) == 3


@pytest.mark.slow
def test_a_silent_token_endpoint_fails_within_the_time_limit(server: RawServer, transport: Transport) -> None:
    server.will(*[silence] * 4)
    made = credentials(key_file(f"{server.url}/token"), transport, timeout=10)
    started = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        failures = [threads.submit(failure_of_quietly, made) for _ in range(4)]
    assert [type(failure.result()) for failure in failures] == [ProviderUnavailable] * 4
    # One after the other they would take four times as long.
    assert time.monotonic() - started < 4 * 10


def failure_of_quietly(made: Credentials) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        made()
    return caught.value


def test_an_unreachable_token_endpoint_is_an_outage(transport: Transport) -> None:
    made = credentials(key_file(f"http://127.0.0.1:{unused_port()}/token"), transport)
    assert type(failure_of(made)) is ProviderUnavailable


def test_application_default_credentials_are_googles_own_to_find(
    server: RawServer, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key.json"
    path.write_text(key_file(f"{server.url}/token"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    server.will(token("default"))
    assert bearer(credentials("application-default", transport)) == "Bearer default"


def test_there_may_be_no_application_default_credentials(
    transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no such file"))
    error = failure_of(credentials("application-default", transport))
    assert type(error) is ProviderAuthFailed
    assert error.message == "films gave no access token: DefaultCredentialsError"


GOOGLES_MACHINE = """
from pydantic import SecretStr
from providers.adapters.vertex.credentials import read_credentials
from providers.http.transport import Transport
from schemas.provider_errors import ProviderUnavailable
from schemas.setting_groups import ProviderSettings

settings = ProviderSettings(api_key=SecretStr("application-default"))
made = read_credentials("films", settings, Transport())
print(made())
try:
    print(made())
except ProviderUnavailable as error:
    print(error.message)
"""


def test_on_googles_own_machines_the_token_comes_from_their_metadata_server(server: RawServer, tmp_path: Path) -> None:
    server.will(
        metadata("", "application/text"),
        metadata("films", "application/text"),
        metadata({"email": EMAIL, "scopes": [], "aliases": ["default"]}),
        metadata({"access_token": "machine", "expires_in": 0}),
        http(404),
    )
    host = f"127.0.0.1:{server.port}"
    # Read when google-auth is imported, so the test is another process.
    environment = {
        "GCE_METADATA_HOST": host,
        "GCE_METADATA_IP": host,
        "CLOUDSDK_CONFIG": str(tmp_path),
        "PATH": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-c", GOOGLES_MACHINE], env=environment, capture_output=True, text=True, check=True, timeout=50
    )
    lines = [line for line in done.stdout.splitlines() if "vendor_call" not in line]
    assert lines == ["{'authorization': 'Bearer machine'}", "films gave no access token: RefreshError"]
    asked = [request.target for request in server.requests]
    assert asked[2].startswith("/computeMetadata/v1/instance/service-accounts/default/")


def metadata(body: object, content_type: str = "application/json") -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return http(200, text.encode(), {"Metadata-Flavor": "Google", "Content-Type": content_type})
