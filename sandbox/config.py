"""The configuration of a sandbox server."""

from dataclasses import dataclass


def file_url(public_url: str, name: str) -> str:
    """The URL of a result."""
    return f"{public_url}/files/{name}"


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """The settings of one sandbox server. `POST /_sandbox/reset` restores them."""

    public_url: str
    """The server's address for clients, without a trailing slash. Result URLs begin with it."""

    api_key: str = "sandbox"
    """The only API key that the vendors' endpoints accept."""

    webhook_secret: str | None = None
    """The secret that signs callbacks, in each vendor's way: `whsec_` and base64. None leaves callbacks unsigned."""

    kie_credits: float = 1_000_000
    """Kie's credit balance at the start."""

    kie_creates_per_10_seconds: int = 20
    """The most creates that Kie accepts in 10 s."""
    kie_reads_per_second: int = 10
    """The most status reads that Kie accepts in a second."""

    kie_concurrency: int = 100
    """The most tasks that Kie runs at once for this account. Kie names some 100; the excess waits."""

    fal_concurrency: int = 40
    """The most requests that fal runs at once for this account: that of an account with purchases. The excess waits."""

    kling_concurrency: int = 1000
    """The most tasks that Kling runs at once for this account. At Kling, a resource pack sets this limit."""

    kling_secret_key: str = "sandbox-secret-key-of-a-kling-pair"  # noqa: S105 -- opens nothing but a sandbox
    """The secret key of Kling's legacy dialect. Its access key is `api_key`; the pair replaces an API key."""

    local_concurrency: int = 40
    """The most jobs that the model server runs at once. The excess waits. A server with one GPU runs one."""

    replicate_creates_per_minute: int = 600
    """The most predictions that Replicate accepts in a minute."""
    replicate_other_calls_per_minute: int = 3000
    """The most other calls that Replicate accepts in a minute."""

    runway_credits: int = 10_000_000
    """Runway's credit balance at the start."""

    runway_generations_per_day: int = 25_000
    """Runway's daily limit of generations: that of the highest tier."""

    runway_concurrency: int = 20
    """The most tasks of a model that Runway runs at once: that of the highest tier. The excess is `THROTTLED`."""

    vertex_creates_per_minute: int = 50
    """Vertex AI's limit of creates a minute, for each model in each region."""

    seconds_per_image: float = 1.0
    """The generation time of an image."""

    seconds_per_video: float = 3.0
    """The generation time of a video."""

    callback_timeout_seconds: float = 15.0
    """The longest wait for a callback's receiver."""
    callback_retry_seconds: float = 1.0
    """The pause before each of the three retries of a callback that was not answered with 2xx."""

    max_media_bytes: int = 2 * 1024**3
    """The largest total size of results. Beyond it the oldest are deleted and answer 404, like expired links."""
