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

    api_key: str = "sandbox"
    """The only key that the endpoints of any vendor accept."""

    webhook_secret: str | None = None
    """Signs callbacks, each vendor's in its way: `whsec_` and base64. None sends them unsigned."""

    kie_credits: float = 1_000_000
    """Kie's credit balance at the start."""

    kie_creates_per_10_seconds: int = 20
    kie_reads_per_second: int = 10

    kling_concurrency: int = 1000
    """How many tasks Kling works on at once for this account; a resource pack decides it."""

    kling_secret_key: str = "sandbox-secret-key-of-a-kling-pair"  # noqa: S105 -- opens nothing but a sandbox
    """With `api_key` as its access key, the pair that Kling's legacy dialect takes in place of an API key."""

    replicate_creates_per_minute: int = 600
    replicate_other_calls_per_minute: int = 3000

    runway_credits: int = 10_000_000
    """Runway's credit balance at the start."""

    runway_generations_per_day: int = 25_000
    """Of its highest tier."""

    vertex_creates_per_minute: int = 50
    """Of each model in each region."""

    seconds_per_image: float = 1.0
    """How long an image takes to generate."""

    seconds_per_video: float = 3.0

    callback_timeout_seconds: float = 15.0
    callback_retry_seconds: float = 1.0
    """Pause before each of the three retries of a callback that was not answered with 2xx."""

    max_media_bytes: int = 2 * 1024**3
    """Beyond this the oldest results are deleted and answer 404, as a vendor's expired links do."""
