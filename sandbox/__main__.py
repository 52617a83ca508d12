"""`python -m sandbox` starts the sandbox in its own process."""

import logging
from typing import Annotated

import typer

from sandbox.config import SandboxConfig
from sandbox.server import serve


def _run(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8090,
    public_url: Annotated[
        str, typer.Option(envvar="SANDBOX_PUBLIC_URL", help="The clients' URL; empty: http://HOST:PORT.")
    ] = "",
    api_key: Annotated[
        str, typer.Option(envvar="SANDBOX_API_KEY", help="The key that the vendors' endpoints accept.")
    ] = SandboxConfig.api_key,
    webhook_secret: Annotated[
        str, typer.Option(envvar="SANDBOX_WEBHOOK_SECRET", help="Callbacks' secret, whsec_...; empty: unsigned.")
    ] = "",
    seconds_per_image: Annotated[
        float, typer.Option(envvar="SANDBOX_SECONDS_PER_IMAGE", min=0, help="Generation time of an image.")
    ] = SandboxConfig.seconds_per_image,
    seconds_per_video: Annotated[
        float, typer.Option(envvar="SANDBOX_SECONDS_PER_VIDEO", min=0, help="Generation time of a video.")
    ] = SandboxConfig.seconds_per_video,
    callback_retry_seconds: Annotated[
        float, typer.Option(envvar="SANDBOX_CALLBACK_RETRY_SECONDS", min=0, help="Pause before a callback's retry.")
    ] = SandboxConfig.callback_retry_seconds,
) -> None:
    """Speak the vendors' wires, make real media, misbehave on request."""
    config = SandboxConfig(
        public_url=public_url or f"http://{host}:{port}",
        api_key=api_key,
        webhook_secret=webhook_secret or None,
        seconds_per_image=seconds_per_image,
        seconds_per_video=seconds_per_video,
        callback_retry_seconds=callback_retry_seconds,
    )
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    serve(config, host=host, port=port)


def main() -> None:
    """Read options and `SANDBOX_*` variables, then serve."""
    typer.run(_run)


if __name__ == "__main__":
    main()
