"""The parts of a create that all vendors share: the generation time and the lost reply."""

from fastapi import Response
from starlette.types import Receive, Scope, Send

from sandbox.config import SandboxConfig
from sandbox.connection import hang_up
from sandbox.media import MediaSpec
from sandbox.scenarios import Scenario


class NoReply(Response):
    """Closes the connection instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's signature
        await hang_up(scope, receive)


def reply_to_create(scenario: Scenario, normal: Response) -> Response:
    """The answer to an accepted create: the vendor's normal reply, unless the scenario says otherwise."""
    match scenario.create_reply:
        case "drop":
            return NoReply()
        case "garbage":
            return Response("<html><body>Bad gateway</body></html>", media_type="application/json")
        case "normal":
            return normal


def generation_seconds(config: SandboxConfig, scenario: Scenario, spec: MediaSpec) -> float:
    """The generation time of a task."""
    if scenario.seconds is not None:
        return scenario.seconds
    if scenario.callback == "early":
        return 0
    return config.seconds_per_video if spec.format == "mp4" else config.seconds_per_image
