"""How often to ask a provider."""

from schemas.settings import PipelineSettings

_EAGER_SECONDS = 30.0


def next_poll(
    pipeline: PipelineSettings, *, waited_seconds: float, has_callback: bool, least_seconds: float = 0.0
) -> float:
    """Seconds until the next poll of a generation that the provider has had for `waited_seconds`.

    With a callback due, polling is only the safety net. Without one it is frequent for half a minute and then slows
    down with the age of the work, up to the cap. The provider itself is asked no more often than it wants to be.
    """
    return max(least_seconds, _next_poll(pipeline, waited_seconds, has_callback=has_callback))


def _next_poll(pipeline: PipelineSettings, waited_seconds: float, *, has_callback: bool) -> float:
    if has_callback:
        return pipeline.poll_with_callback_seconds
    if waited_seconds < _EAGER_SECONDS:
        return pipeline.poll_first_seconds
    return min(pipeline.poll_cap_seconds, max(pipeline.poll_first_seconds, waited_seconds / 6))
