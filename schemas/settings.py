"""All settings of Reelworks, read from `REELWORKS_*` variables and from `.env`.

Two underscores join nested names: `REELWORKS_S3__ENDPOINT`. Call `get_settings()` only where a process starts; inner
code takes values as arguments.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, Json, RootModel, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from schemas.enums import Door
from schemas.names import ProviderName, is_twin
from schemas.orders import LONGEST_DEADLINE_SECONDS
from schemas.reach import connectable
from schemas.unprefixed import UnprefixedSource

DEVELOPMENT_SECRET = "development-only-secret-key"  # noqa: S105 -- refused in production below

# A part of each secret in .env.sandbox. Refused in production below.
_PUBLISHED = "development-only"

_ENDPOINT = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
_HIGHEST_PORT = 65535
_HTTP_URL = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s*]+")

_POSTGRESQL_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})

_SHORTEST_SECRET = 32

# A hundred years. A larger number is a mistake.
_LONGEST_DAYS = 36_500


class S3Settings(BaseModel):
    """An S3-compatible object store."""

    endpoint: str = Field(default="", description="host:port without a scheme; empty starts the embedded server")
    access_key: str = ""
    """The access key."""
    secret_key: SecretStr = SecretStr("")
    """The secret key."""
    bucket: str = "reelworks"
    """The bucket's name."""
    region: str = "us-east-1"
    """The region."""
    secure: bool = Field(default=True, description="https; set to false for a plain local server")
    public_endpoint: str = Field(
        default="",
        description="host:port at which customers and providers reach the store, for presigned links to it; "
        "empty: files go through the gateway",
    )
    public_secure: bool | None = Field(default=None, description="https for public_endpoint; empty: as secure says")

    @field_validator("endpoint", "public_endpoint")
    @classmethod
    def _host_and_port(cls, endpoint: str) -> str:
        match = _ENDPOINT.fullmatch(endpoint)
        if endpoint and (match is None or int(match["port"] or 0) > _HIGHEST_PORT):
            raise ValueError("must be HOST or HOST:PORT, without a scheme or a path")
        return endpoint


class PriceSettings(BaseModel):
    """The operator's prices, in place of those of the catalogue."""

    file: Path | None = Field(default=None, description="a TOML file: a table for each model, such as [nano-banana]")
    every_video: int | None = Field(default=None, ge=0, description="credits for each video, however long")


class ProviderSettings(BaseModel):
    """One provider account. Without an API key its models are absent from the catalogue."""

    adapter: str = Field(default="", description="how to speak to it: a package of providers/adapters; empty: its name")
    api_key: SecretStr = SecretStr("")
    """The API key."""
    base_url: str = Field(default="", description="empty: the vendor's own")
    webhook_key: SecretStr = Field(default=SecretStr(""), description="verifies the vendor's callback signatures")
    callbacks: bool = Field(default=True, description="ask for callbacks; false polls only")
    timeout_seconds: float = Field(default=30.0, gt=0, description="connect and read timeout of one vendor call")
    options: dict[str, SecretStr] | Json[dict[str, SecretStr]] = Field(
        default={}, description="what else this kind of vendor needs to know"
    )

    def create_seconds(self, usual: float | None) -> float:
        """The time limit of a create: the operator's setting, or else the adapter's usual value."""
        return self.timeout_seconds if usual is None or "timeout_seconds" in self.model_fields_set else usual


class ProvidersSettings(RootModel[dict[ProviderName, ProviderSettings]]):
    """The provider accounts by name. Several accounts may use the same adapter."""

    root: dict[ProviderName, ProviderSettings] = {}
    """The accounts."""

    def named(self, name: ProviderName) -> ProviderSettings:
        """One account. An unconfigured account has no API key."""
        return self.root.get(name) or ProviderSettings()

    def names(self) -> list[ProviderName]:
        """The names of the configured accounts."""
        return sorted(self.root)

    def with_accounts(self, **accounts: ProviderSettings) -> Self:
        """The same accounts, with some added or replaced."""
        return type(self)({**self.root, **accounts})


class PipelineSettings(BaseModel):
    """The pipeline's timings and limits. All times are seconds."""

    queue_target: int = Field(default=64, gt=0, description="messages a queue holds before rows wait for the waker")
    resend_after_seconds: float = Field(default=10.0, gt=0, description="an unclaimed stage is woken again after this")
    lease_seconds: float = Field(default=8.0, gt=0, description="a dead worker's stage is free after this")
    deadline_seconds: float = Field(
        default=600.0, gt=0, description="from acceptance to timeout, unless asked otherwise"
    )
    backoff_base_seconds: float = Field(default=1.0, gt=0, description="first retry; doubles each time, with jitter")
    backoff_cap_seconds: float = Field(default=60.0, gt=0)
    """The longest pause between retries."""
    outage_pause_seconds: float = Field(default=10.0, gt=0, description="until a part that was away is tried again")
    joins_stages: bool = Field(
        default=True,
        description="a worker goes on with the next stage where that is little work; false: each stage is a task",
    )
    submit_failures: int = Field(default=8, gt=0, description="refused submits on one route before the next route")
    stage_failures: int = Field(default=8, gt=0, description="crashes in a row in one stage before it fails")
    poll_first_seconds: float = Field(default=2.5, gt=0, description="poll mode: spacing in the first 30 s")
    poll_cap_seconds: float = Field(default=30.0, gt=0, description="poll mode: spacing it grows to")
    poll_with_callback_seconds: float = Field(default=60.0, gt=0, description="safety poll when a callback is due")
    unknown_submit_grace_seconds: float = Field(
        default=120.0, gt=0, description="wait for a callback after a submit with unknown outcome"
    )


class DownloadSettings(BaseModel):
    """Limits of downloads of results."""

    max_bytes: int = Field(default=4 * 1024**3, gt=0)
    """The largest result."""
    max_image_bytes: int = Field(
        default=256 * 1024**2, gt=0, description="the largest result where an image was ordered"
    )
    timeout_seconds: float = Field(default=300.0, gt=0, description="wall-clock limit of one download attempt")
    idle_timeout_seconds: float = Field(default=20.0, gt=0, description="longest silence between two chunks")
    least_bytes_per_second: int = Field(
        default=16 * 1024,
        ge=0,
        description="a slower host is left after `idle_timeout_seconds`; each new try accepts a quarter; 0: any rate",
    )
    max_redirects: int = Field(default=5, ge=0)
    """The most redirects."""
    bad_files: int = Field(
        default=5, gt=0, description="files that are cut, damaged or no media, fetched before a generation fails"
    )
    allowed_private_networks: list[IPv4Network | IPv6Network] = Field(
        default=[],
        description="private networks that result URLs may point at, e.g. 127.0.0.0/8 for the sandbox",
    )


class MediaSettings(BaseModel):
    """Limits of the decoder, which reads strangers' files in processes of its own. It reads three files at a time."""

    memory_bytes: int = Field(
        default=512 * 1024**2, ge=64 * 1024**2, description="for one file; a picture that needs more is not decoded"
    )
    seconds: int = Field(default=30, gt=0, description="processor time for one file")


class InputSettings(BaseModel):
    """Limits of customers' pictures and videos."""

    max_image_bytes: int = Field(default=16 * 1024**2, gt=0)
    """The largest picture."""
    max_video_bytes: int = Field(default=32 * 1024**2, gt=0)
    """The largest video."""
    max_stored_uploads: int = Field(default=10_000, ge=0, description="stored uploads of one customer")
    max_stored_bytes: int = Field(default=20 * 1024**3, ge=0, description="stored uploads of one customer together")
    uploads_at_once: int = Field(
        default=4, gt=0, description="uploads of one customer to one gateway process, and as many orders above 1 MiB"
    )
    max_request_bytes: int = Field(
        default=8 * 1024**2, gt=0, description="a whole order over HTTP, which may hold `data:` URIs"
    )
    max_total_bytes: int = Field(
        default=64 * 1024**2, gt=0, description="all files of one order that a worker reads for its provider"
    )
    read_seconds: float = Field(default=60.0, gt=0, description="in which they must have come")
    least_bytes_per_second: int = Field(
        default=16 * 1024, ge=0, description="the file of a host that is slower for 10 s is refused; 0: any rate"
    )
    allowed_private_networks: list[IPv4Network | IPv6Network] = Field(
        default=[],
        description="private networks that customers' URLs may point at; a customer chooses what is read there",
    )


class ConnectionSettings(BaseModel):
    """Limits of the connections to the gateway. They hold before the gateway knows who connects."""

    max_connections: int = Field(
        default=2000, gt=0, description="open at one time; beyond it, the one that waited longest for a head is closed"
    )
    max_head_bytes: int = Field(default=64 * 1024, ge=4096, description="the request line and all headers")
    max_head_fields: int = Field(default=100, ge=10)
    """The most headers."""
    head_seconds: float = Field(default=15.0, gt=0, description="from the connection to a complete head")
    body_seconds: float = Field(default=30.0, gt=0, description="from the head to the whole body, if it is small")
    least_bytes_per_second: int = Field(
        default=16 * 1024, gt=0, description="a large body has more time: its bytes divided by this rate"
    )
    idle_seconds: int = Field(default=60, gt=0, description="between two requests, and while an answer is not read")


class StreamSettings(BaseModel):
    """Limits of event streams and of waiting requests (`Prefer: wait`), in one gateway process."""

    each_customer: int = Field(default=100, gt=0, description="open streams and waiting requests of one customer")
    total: int = Field(
        default=1000, gt=0, description="of all customers; less than connections.max_connections, to leave room"
    )
    longest_seconds: float = Field(
        default=3600.0, gt=0, description="a stream ends after this; the next connection checks the key again"
    )


class RateLimitSettings(BaseModel):
    """Limits of the requests of one API key, in all gateway processes together. They need Redis."""

    reads_per_minute: int | None = Field(default=None, gt=0, description="GET and HEAD; empty: no limit")
    writes_per_minute: int | None = Field(default=None, gt=0, description="all other methods; empty: no limit")


class CdnSettings(BaseModel):
    """A CDN that delivers results. Its edge checks signed links."""

    base_url: str = Field(
        default="", description="what stands before a file's key in links: https://cdn.example.com; empty: no CDN"
    )
    secret: SecretStr = SecretStr("")
    """Signs the links. The edge knows it, too."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.base_url and not _HTTP_URL.fullmatch(self.base_url):
            raise ValueError("base_url must be https://HOST, with a path where the files are below one")
        if self.base_url and len(self.secret.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(
                f"secret must have at least {_SHORTEST_SECRET} characters: make one with `openssl rand -hex 32`"
            )
        self.base_url = self.base_url.rstrip("/")
        return self


class RetentionSettings(BaseModel):
    """Retention periods. A sweep removes older data."""

    orphan_hours: float = Field(
        default=48.0,
        gt=LONGEST_DEADLINE_SECONDS / 3600,
        le=_LONGEST_DAYS * 24,
        description="an object that no row names; longer than any deadline",
    )
    asset_days: float | None = Field(
        default=None, gt=0, le=_LONGEST_DAYS, description="a result and its poster; empty: for ever"
    )
    receipt_days: float = Field(
        default=30.0, gt=0, le=_LONGEST_DAYS, description="a callback, after its generation finished"
    )
    upload_days: float = Field(
        default=7.0, gt=0, le=_LONGEST_DAYS, description="an uploaded picture or video; longer while an order needs it"
    )
    idempotency_key_days: float = Field(
        default=7.0, gt=0, le=_LONGEST_DAYS, description="an idempotency key, after its generation finished"
    )


class SandboxSettings(BaseModel):
    """Settings of the built-in vendor simulator."""

    port: int = Field(default=8090, ge=0, le=65535)
    """The port. 0 takes a free one."""
    seconds_per_image: float = Field(default=1.0, ge=0)
    """The generation time of an image."""
    seconds_per_video: float = Field(default=3.0, ge=0)
    """The generation time of a video."""


class TestKeySettings(BaseModel):
    """The sandbox that serves the orders of test keys. The sandbox has the same key for each vendor."""

    __test__ = False  # no test, whatever pytest makes of the name

    sandbox_url: str = Field(
        default="",
        description="where workers reach the sandbox, without a vendor's name; empty: no orders by test keys",
    )
    api_key: SecretStr = SecretStr("sandbox")
    """The sandbox's key (SANDBOX_API_KEY)."""
    webhook_key: SecretStr = Field(
        default=SecretStr(""), description="the sandbox's SANDBOX_WEBHOOK_SECRET, which signs its callbacks"
    )

    @field_validator("sandbox_url")
    @classmethod
    def _whole_url(cls, url: str) -> str:
        if url and not _HTTP_URL.fullmatch(url):
            raise ValueError("must be http://HOST[:PORT] or https://HOST[:PORT] of a sandbox")
        return url.rstrip("/")


_HasSecret = TypeVar("_HasSecret", str, SecretStr, S3Settings)


class Settings(BaseSettings):
    """All settings. `.env.example` describes each in a line."""

    model_config = SettingsConfigDict(
        env_prefix="REELWORKS_",
        env_nested_delimiter="__",
        env_file=".env",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # errors are logged, and a wrong value may be a misplaced secret
        extra="ignore",
        frozen=True,
    )

    environment: Literal["development", "production"] = "development"
    data_folder: Path = Field(default=Path(".reelworks"), description="where `reelworks up` and `demo` keep data")
    database_url: str = Field(default="", repr=False, description="empty: `reelworks up` starts an embedded PostgreSQL")
    redis_url: str = Field(default="", repr=False, description="empty: `reelworks up` starts an embedded Valkey")
    s3: S3Settings = S3Settings()
    secret_key: SecretStr = Field(default=SecretStr(DEVELOPMENT_SECRET), validate_default=True)
    public_url: str = Field(default="", description="where providers reach the gateway; default: `gateway_url`")
    doors_off: list[Door] = Field(
        default=[], description="doors that are switched off: their paths answer 404, and no document has them"
    )
    cors_origins: list[str] = Field(
        default=[], description='origins of pages that may call /v1 from a browser; ["*"]: every origin; empty: none'
    )
    gateway_host: str = "127.0.0.1"
    gateway_port: int = Field(default=8080, ge=0, le=65535)
    flower_host: str = "127.0.0.1"
    flower_port: int = Field(default=5555, ge=0, le=65535)
    flower_basic_auth: SecretStr = Field(default=SecretStr(""), description="user:password; required off loopback")
    remote_control: Literal["off", "read", "all"] = Field(
        default="read", description="Celery's commands to workers over Redis: none, those that show state, or all"
    )
    worker_drain_seconds: float = Field(
        default=25.0, ge=0, description="after SIGTERM: what a worker has not finished by then, others go on with"
    )
    gateway_drain_seconds: int = Field(
        default=20, ge=0, description="after SIGTERM: requests that are not answered by then are cut"
    )
    connections: ConnectionSettings = ConnectionSettings()
    streams: StreamSettings = StreamSettings()
    rate_limits: RateLimitSettings = RateLimitSettings()
    cdn: CdnSettings = CdnSettings()
    database_pool_size: int = Field(default=20, ge=2, description="connections a process may hold")
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_timestamps: bool = Field(
        default=True, description="console format only; false where the collector of the lines stamps them"
    )
    providers: ProvidersSettings = ProvidersSettings()
    pipeline: PipelineSettings = PipelineSettings()
    downloads: DownloadSettings = DownloadSettings()
    media: MediaSettings = MediaSettings()
    inputs: InputSettings = InputSettings()
    retention: RetentionSettings = RetentionSettings()
    sandbox: SandboxSettings = SandboxSettings()
    test_keys: TestKeySettings = TestKeySettings()
    prices: PriceSettings = PriceSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources of values. The first one wins."""
        unprefixed = UnprefixedSource(settings_cls, env_settings, dotenv_settings)
        return init_settings, env_settings, dotenv_settings, file_secret_settings, unprefixed

    @field_validator("database_url")
    @classmethod
    def _plain_postgresql_url(cls, url: str) -> str:
        """Accept the usual spellings and keep the one that all tools read. `storage.database` adds the driver."""
        scheme, separator, rest = url.partition("://")
        if url and (not separator or scheme not in _POSTGRESQL_SCHEMES):
            raise ValueError("must be a postgresql:// URL; Reelworks runs on PostgreSQL only")
        return f"postgresql://{rest}" if url else url

    @field_validator("redis_url")
    @classmethod
    def _whole_redis_url(cls, url: str) -> str:
        if url and not _is_redis_url(url):
            raise ValueError(
                "must be redis://[:PASSWORD@]HOST[:PORT][/NUMBER], or rediss:// for TLS; "
                "special characters of the password are percent-encoded"
            )
        return url

    @field_validator("public_url")
    @classmethod
    def _without_trailing_slash(cls, url: str) -> str:
        if url and not _HTTP_URL.fullmatch(url):
            raise ValueError("must be http://HOST[:PORT] or https://HOST[:PORT], as providers reach the gateway")
        return url.rstrip("/")

    @field_validator("cors_origins")
    @classmethod
    def _whole_origins(cls, origins: list[str]) -> list[str]:
        if wrong := [origin for origin in origins if origin != "*" and not _ORIGIN.fullmatch(origin)]:
            raise ValueError(
                f"{', '.join(wrong)}: must be SCHEME://HOST[:PORT] in lower case, as browsers send it in `Origin`, "
                'without a path; or "*" alone for every origin'
            )
        return origins

    @field_validator("providers")
    @classmethod
    def _no_twins(cls, providers: ProvidersSettings) -> ProvidersSettings:
        if twins := [name for name in providers.names() if is_twin(name)]:
            raise ValueError(
                f"{', '.join(twins)}: names that begin with test_ stand for the sandbox's accounts: choose other names"
            )
        return providers

    @field_validator("data_folder")
    @classmethod
    def _with_home(cls, folder: Path) -> Path:
        return folder.expanduser()

    @field_validator("secret_key")
    @classmethod
    def _no_placeholder_in_production(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        is_known_to_all = secret.get_secret_value() in {"", DEVELOPMENT_SECRET}
        if info.data.get("environment") == "production" and is_known_to_all:
            raise ValueError(
                "must be set to a secret of your own in production: it signs the callback URLs; "
                "make one with `openssl rand -hex 32`"
            )
        return secret

    @field_validator("database_url", "redis_url", "s3", "flower_basic_auth")
    @classmethod
    def _no_published_secret_in_production(cls, value: _HasSecret, info: ValidationInfo) -> _HasSecret:
        if info.data.get("environment") == "production" and any(_PUBLISHED in secret for secret in _secrets(value)):
            raise ValueError("holds the secret of an example, which everybody knows: set one of your own")
        return value

    @property
    def gateway_url(self) -> str:
        """The gateway's URL for this machine."""
        return f"http://{connectable(self.gateway_host)}:{self.gateway_port}"

    @model_validator(mode="after")
    def _public_at_its_own_address(self) -> Self:
        if not self.public_url:
            object.__setattr__(self, "public_url", self.gateway_url)  # the settings are frozen
        return self


def _secrets(value: str | SecretStr | S3Settings) -> list[str]:
    match value:
        case S3Settings():
            return [value.access_key, value.secret_key.get_secret_value()]
        case SecretStr():
            return [value.get_secret_value()]
        case str():
            return [value]


def _is_redis_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_address = bool(parts.hostname) and parts.port != 0
    except ValueError:  # the error's text quotes the URL
        return False
    return has_address and parts.scheme in {"redis", "rediss"} and re.fullmatch(r"/?[0-9]*", parts.path) is not None


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
