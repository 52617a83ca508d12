"""All settings of Reelworks, read from `REELWORKS_*` variables and from `.env`.

Two underscores join nested names: `REELWORKS_S3__ENDPOINT`. Call `get_settings()` only where a process starts; inner
code takes values as arguments.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from schemas.admission_settings import AdmissionSettings
from schemas.door_settings import DoorSettings
from schemas.enums import Door
from schemas.metrics_settings import MetricsSettings
from schemas.names import is_twin
from schemas.reach import connectable
from schemas.setting_groups import (
    HTTP_URL,
    CdnSettings,
    ConnectionSettings,
    DownloadSettings,
    InputSettings,
    IntakeSettings,
    McpSettings,
    MediaSettings,
    OpenaiSettings,
    PipelineSettings,
    PriceSettings,
    ProvidersSettings,
    RateLimitSettings,
    RetentionSettings,
    S3Settings,
    SandboxSettings,
    SeedSettings,
    StreamSettings,
    TestKeySettings,
)
from schemas.stream_out_settings import StreamOutSettings
from schemas.studio_settings import StudioSettings
from schemas.trace_settings import TraceSettings
from schemas.unprefixed import UnprefixedSource
from schemas.variant_settings import VariantSettings
from schemas.webhook_settings import WebhookSettings

DEVELOPMENT_SECRET = "development-only-secret-key"  # noqa: S105 -- refused in production below

# A part of each secret in .env.sandbox. Refused in production below.
_PUBLISHED = "development-only"

_OF_YOUR_OWN = (
    "must be set to a secret of your own in production: it signs the callback URLs; "
    "make one with `openssl rand -hex 32`"
)

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s*]+")

_POSTGRESQL_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})

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
    also_accepted_secret_keys: list[SecretStr] = Field(
        default=[],
        description="further keys whose signatures count: during a rotation the next key, then the earlier one",
    )
    public_url: str = Field(default="", description="where providers reach the gateway; default: `gateway_url`")
    doors_off: list[Door] = Field(
        default=[], description="doors that are switched off: their paths answer 404, and no document has them"
    )
    cors_origins: list[str] = Field(
        default=[], description='origins of pages that may call us from a browser; ["*"]: every origin; empty: none'
    )
    credits_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/?#]\S*)?$",
        description="the page on which customers buy credits; each refusal for too few credits names the page",
    )
    gateway_host: str = "127.0.0.1"
    gateway_port: int = Field(default=8080, ge=0, le=65535)
    flower_host: str = "127.0.0.1"
    flower_port: int = Field(default=5555, ge=0, le=65535)
    flower_basic_auth: SecretStr = Field(default=SecretStr(""), description="user:password; required off loopback")
    flower_state_file: Path | None = Field(
        default=None, description="where Flower keeps its tasks over a restart; empty: it forgets them"
    )
    remote_control: Literal["off", "read", "all"] = Field(
        default="read", description="Celery's commands to workers over Redis: none, those that show state, or all"
    )
    worker_drain_seconds: float = Field(
        default=25.0, ge=0, description="after SIGTERM: what a worker has not finished by then, others go on with"
    )
    gateway_drain_seconds: int = Field(
        default=20, ge=0, description="after SIGTERM: requests that are not answered by then are cut"
    )
    notify_hears_changes: bool = Field(
        default=False, description="worker-notify hears of each change at once; all processes then announce each change"
    )
    connections: ConnectionSettings = ConnectionSettings()
    streams: StreamSettings = StreamSettings()
    stream_out: StreamOutSettings = StreamOutSettings()
    rate_limits: RateLimitSettings = RateLimitSettings()
    cdn: CdnSettings = CdnSettings()
    seeds: SeedSettings = SeedSettings()
    mcp: McpSettings = McpSettings()
    studio: StudioSettings = StudioSettings()
    metrics: MetricsSettings = MetricsSettings()
    traces: TraceSettings = TraceSettings()
    database_pool_size: int = Field(default=20, ge=2, description="connections a process may hold")
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_timestamps: bool = Field(
        default=True, description="console format only; false where the collector of the lines stamps them"
    )
    providers: ProvidersSettings = ProvidersSettings()
    pipeline: PipelineSettings = PipelineSettings()
    admission: AdmissionSettings = AdmissionSettings()
    downloads: DownloadSettings = DownloadSettings()
    media: MediaSettings = MediaSettings()
    variants: VariantSettings = VariantSettings()
    inputs: InputSettings = InputSettings()
    intake: IntakeSettings = IntakeSettings()
    door: DoorSettings = DoorSettings()
    openai: OpenaiSettings = OpenaiSettings()
    webhooks: WebhookSettings = WebhookSettings()
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
        if url and not HTTP_URL.fullmatch(url):
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
        if info.data.get("environment") == "production" and secret.get_secret_value() in {"", DEVELOPMENT_SECRET}:
            raise ValueError(_OF_YOUR_OWN)
        return secret

    @field_validator("also_accepted_secret_keys")
    @classmethod
    def _no_known_keys(cls, keys: list[SecretStr], info: ValidationInfo) -> list[SecretStr]:
        known = {"", DEVELOPMENT_SECRET} if info.data.get("environment") == "production" else {""}
        if any(key.get_secret_value() in known for key in keys):
            raise ValueError(f"holds a key that everybody knows; each {_OF_YOUR_OWN}")
        return keys

    @field_validator("database_url", "redis_url", "s3", "flower_basic_auth")
    @classmethod
    def _no_published_secret_in_production(cls, value: _HasSecret, info: ValidationInfo) -> _HasSecret:
        if info.data.get("environment") == "production" and any(_PUBLISHED in secret for secret in _secrets(value)):
            raise ValueError("holds the secret of an example, which everybody knows: set one of your own")
        return value

    @property
    def accepted_keys(self) -> list[str]:
        """The keys whose signatures count: the key that signs, and those of a rotation."""
        return [key.get_secret_value() for key in (self.secret_key, *self.also_accepted_secret_keys)]

    @property
    def gateway_url(self) -> str:
        """The gateway's URL for this machine."""
        return f"http://{connectable(self.gateway_host)}:{self.gateway_port}"

    @model_validator(mode="after")
    def _signatures_end_before_keys(self) -> Self:
        """A message that is sent again with a valid signature must be a known order."""
        if self.door.signature_seconds > self.retention.idempotency_key_days * 86_400:
            raise ValueError("door.signature_seconds must be at most the seconds of retention.idempotency_key_days")
        return self

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
