"""What a sandbox is started with."""

from dataclasses import dataclass


def file_url(public_url: str, name: str) -> str:
    """Where a result can be fetched."""
    return f"{public_url}/files/{name}"


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """Settings of one sandbox server. `POST /_sandbox/reset` goes back to them."""

    public_url: str
    """Where clients reach this server, without a trailing slash; result URLs begin with it."""

    kie_api_key: str
    """The only key that Kie's endpoints accept."""

    kie_webhook_hmac_key: str | None = None
    """Signs Kie's callbacks; None sends them unsigned, as Kie does for an account without a key."""

    kie_credits: float = 1_000_000
    """Kie's credit balance at the start."""

    kie_creates_per_10_seconds: int = 20
    kie_reads_per_second: int = 10

    kling_api_key: str = "sandbox"
    """The only key that Kling's endpoints accept."""

    kling_webhook_secret: str | None = None
    """Signs Kling's callbacks, as `whsec_` and base64; None sends them unsigned, as Kling does without a secret."""

    kling_concurrency: int = 1000
    """How many tasks Kling works on at once for this account; a resource pack decides it."""

    replicate_api_key: str = "sandbox"
    """The only token that Replicate's endpoints accept."""

    replicate_webhook_secret: str | None = None
    """Signs Replicate's webhooks, `whsec_` and base64; None sends them unsigned, which Replicate never does."""

    replicate_creates_per_minute: int = 600
    replicate_other_calls_per_minute: int = 3000

    openai_videos_api_key: str = "sandbox"
    """The only key that the OpenAI-compatible endpoints accept."""

    seconds_per_image: float = 1.0
    """How long an image takes to generate."""

    seconds_per_video: float = 3.0

    callback_timeout_seconds: float = 15.0
    callback_retry_seconds: float = 1.0
    """Pause before each of the three retries of a callback that was not answered with 2xx."""

    max_media_bytes: int = 2 * 1024**3
    """Beyond this the oldest results are deleted and answer 404, as a vendor's expired links do."""
