"""The groups of settings. `schemas.settings.Settings` holds one of each."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, Json, RootModel, SecretStr, field_validator, model_validator

from schemas.limits import AccountLimits
from schemas.names import ProviderName
from schemas.orders import LONGEST_DEADLINE_SECONDS

_ENDPOINT = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
_HIGHEST_PORT = 65535

HTTP_URL = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")
"""A URL of an HTTP server, without a query."""

_SHORTEST_SECRET = 32

CONFIRM_ABOVE_CREDITS = 200
"""An order of an agent above this price needs the user's consent, unless somebody sets another limit."""

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
    also_accepted_webhook_key: SecretStr = Field(
        default=SecretStr(""), description="a second key that verifies them: during a rotation, the other one of two"
    )
    callbacks: bool = Field(default=True, description="ask for callbacks; false polls only")
    timeout_seconds: float = Field(default=30.0, gt=0, description="connect and read timeout of one vendor call")
    limits: AccountLimits | Json[AccountLimits] | None = Field(
        default=None, description="what the vendor takes from the account; empty: what the vendor documents"
    )
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
    poll_by_usual_times: bool = Field(
        default=True, description="polls follow the times of recent work of the same route and length"
    )
    poll_read_costs_seconds: float = Field(
        default=1.0, gt=0, description="the delay that one read less is worth: more: fewer reads, later ends"
    )
    poll_first_seconds: float = Field(
        default=2.5, gt=0, description="without usual times: poll mode: spacing in the first 30 s"
    )
    poll_cap_seconds: float = Field(default=30.0, gt=0, description="poll mode: spacing it grows to")
    poll_with_callback_seconds: float = Field(
        default=60.0, gt=0, description="safety polls when a callback is due, after the usual time"
    )
    unknown_submit_grace_seconds: float = Field(
        default=120.0, gt=0, description="wait for a callback after a submit with unknown outcome"
    )
    most_runs: int = Field(default=3, gt=0, description="runs of a generation whose work servers of your own lose")


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


class IntakeSettings(BaseModel):
    """The times for which an equal order is the same order, where orders have no idempotency key."""

    retry_window_seconds: float = Field(
        default=1200.0,
        ge=60,
        le=86_400,
        description="an order that says it is a retry; longer than two of the longest waits of OpenAI's clients",
    )
    digest_window_seconds: float | None = Field(
        default=None, gt=0, le=86_400, description="every order, through every door; empty: equal orders are two orders"
    )


class OpenaiSettings(BaseModel):
    """OpenAI's dialect below /openai/v1."""

    models: dict[str, str] = Field(
        default={"sora-2": "kling-3.0-video", "sora-2-pro": "kling-3.0-video"},
        description="names of models on this door, with the models that they stand for; empty: the first that can",
    )
    image_wait_seconds: float = Field(
        default=580.0,
        gt=0,
        le=3600,
        description="for which an image request stays open; less than the 600 s after which OpenAI's clients give up "
        "and send the request again",
    )
    max_base64_bytes: int = Field(
        default=64 * 1024**2, gt=0, description="the images of one answer together; larger ones are links"
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
    """Limits of event streams, waiting requests (`Prefer: wait`) and waiting orders, in one gateway process."""

    each_customer: int = Field(default=100, gt=0, description="open streams and waiting requests of one customer")
    total: int = Field(
        default=1000, gt=0, description="of all customers; less than connections.max_connections, to leave room"
    )
    orders_each_customer: int = Field(
        default=100, gt=0, description="orders of one customer that stay open for their result"
    )
    orders_total: int = Field(
        default=500, gt=0, description="of all customers; with `total` less than connections.max_connections"
    )
    longest_seconds: float = Field(
        default=3600.0, gt=0, description="a stream ends after this; the next connection checks the key again"
    )


class RateLimitSettings(BaseModel):
    """Limits of the requests of one API key, in all gateway processes together. They need Redis."""

    reads_per_minute: int | None = Field(default=None, gt=0, description="GET and HEAD; empty: no limit")
    writes_per_minute: int | None = Field(default=None, gt=0, description="all other methods; empty: no limit")


class McpSettings(BaseModel):
    """The door for agents, `/mcp`."""

    confirm_above_credits: int | None = Field(
        default=CONFIRM_ABOVE_CREDITS,
        ge=0,
        description="an order of an agent above this price needs the user's consent; empty: no order needs one",
    )


class CdnSettings(BaseModel):
    """A CDN that delivers results. Its edge checks signed links."""

    base_url: str = Field(
        default="", description="what stands before a file's key in links: https://cdn.example.com; empty: no CDN"
    )
    secret: SecretStr = SecretStr("")
    """Signs the links. The edge knows it, too."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.base_url and not HTTP_URL.fullmatch(self.base_url):
            raise ValueError("base_url must be https://HOST, with a path where the files are below one")
        if self.base_url and len(self.secret.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(
                f"secret must have at least {_SHORTEST_SECRET} characters: make one with `openssl rand -hex 32`"
            )
        self.base_url = self.base_url.rstrip("/")
        return self


class SeedSettings(BaseModel):
    """The forms of the seeds: `/video` and `/image`."""

    link_seconds: int = Field(
        default=86_400, ge=60, le=_LONGEST_DAYS * 86_400, description="for which a link to a result works without a key"
    )
    longest_wait_seconds: int = Field(
        default=600,
        ge=0,
        le=LONGEST_DEADLINE_SECONDS,
        description="for which an order stays open until its result is stored; then its answer is 202",
    )
    inline_bytes: int = Field(
        default=32 * 1024**2,
        ge=0,
        description="the largest file in an answer with `save_to_db: false`; a larger file is a link",
    )


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
    key_spending_days: float = Field(
        default=40.0, gt=0, le=_LONGEST_DAYS, description="the credits that an API key with a cap spent on one day"
    )
    share_days: float = Field(
        default=90.0, gt=0, le=_LONGEST_DAYS, description="a share, after its end or its revocation"
    )
    webhook_days: float = Field(
        default=30.0, gt=0, le=_LONGEST_DAYS, description="a message to an endpoint, and an unused `callback_url`"
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
        if url and not HTTP_URL.fullmatch(url):
            raise ValueError("must be http://HOST[:PORT] or https://HOST[:PORT] of a sandbox")
        return url.rstrip("/")
