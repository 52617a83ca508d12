"""`/healthz` and `/readyz`: for whoever keeps this process running and sends it traffic."""

import asyncio

from fastapi import APIRouter, Response

from gateway.dependencies import ServicesOf
from schemas.api import Health, Readiness

router = APIRouter(tags=["health"])

# Shorter than any prober's own patience.
_PATIENCE_SECONDS = 1.5


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Asks nobody else: a database that is down is no reason to restart the gateway."""
    return Health()


@router.get(
    "/readyz",
    summary="Can requests be served?",
    responses={503: {"model": Readiness, "description": "The database or the object store does not answer"}},
)
async def readyz(services: ServicesOf, response: Response) -> Readiness:
    """Asks the database, the object store and Redis, all at once.

    Without Redis the gateway is degraded and still ready: it accepts requests and callbacks, whose work starts when
    Redis is back.
    """
    probes = services.probes
    answers = await asyncio.gather(*(probe.answers(within_seconds=_PATIENCE_SECONDS) for probe in probes))
    down = [probe for probe, answer in zip(probes, answers, strict=True) if not answer]
    checks = {probe.name: "error" if probe in down else "ok" for probe in probes}
    if any(probe.is_essential for probe in down):
        response.status_code = 503
        return Readiness.model_validate({"status": "unavailable", "checks": checks})
    return Readiness.model_validate({"status": "degraded" if down else "ready", "checks": checks})
