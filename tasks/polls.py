"""The time of the next poll of a generation."""

from storage.claims import Claim
from storage.render_times import Work
from tasks.services import WorkerServices
from tasks.timing import next_poll


def seconds_to_poll(services: WorkerServices, claim: Claim, waited_seconds: float) -> float:
    """Seconds until the next poll of a generation that its provider has had for `waited_seconds`."""
    provider, pipeline = claim.route.provider, services.settings.pipeline
    # The end of work that is to be cancelled follows no usual time, and no callback may come.
    is_stopping = claim.generation.cancel_requested_at is not None
    work = Work(claim.order.model, provider, claim.order.inputs.duration_seconds)
    return next_poll(
        pipeline,
        waited_seconds=waited_seconds,
        has_callback=services.providers.calls_back(provider) and not is_stopping,
        usual=services.usual_times.of(work) if pipeline.poll_by_usual_times and not is_stopping else None,
        least_seconds=services.providers.poll_seconds(provider),
        is_awaited=services.gate.has_waiting(provider),
    )
