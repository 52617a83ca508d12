"""`/healthz` and `/readyz`: liveness and readiness, for supervisors and load balancers."""

import asyncio

from fastapi import Response

from gateway.dependencies import GatewayServices, ServicesOf
from gateway.routing import PrefixRouter
from schemas.api import Health, Readiness
from schemas.limits import AccountHealth
from schemas.names import is_twin
from storage import account_health
from storage.outages import OUTAGES

router = PrefixRouter(tags=["health"])

# Shorter than the usual timeouts of probers.
_PATIENCE_SECONDS = 1.5


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Answers without checking other services: a restart of the gateway does not repair the database."""
    return Health()


@router.get(
    "/readyz",
    summary="Can requests be served?",
    responses={503: {"model": Readiness, "description": "The database or the object store does not answer"}},
)
async def readyz(services: ServicesOf, response: Response) -> Readiness:
    """Checks the database, the object store and Redis in parallel.

    Without Redis the gateway is degraded but ready. It accepts requests and callbacks, and their work starts when Redis
    is back. `providers` tells which accounts take work.
    """
    probes = services.probes
    asked = asyncio.gather(*(probe.answers(within_seconds=_PATIENCE_SECONDS) for probe in probes))
    answers, providers = await asyncio.gather(asked, _providers(services))
    down = [probe for probe, answer in zip(probes, answers, strict=True) if not answer]
    checks = {probe.name: "error" if probe in down else "ok" for probe in probes}
    if any(probe.is_essential for probe in down):
        response.status_code = 503
        return Readiness.model_validate({"status": "unavailable", "checks": checks})
    status = "degraded" if down else "ready"
    return Readiness.model_validate({"status": status, "checks": checks, "providers": providers})


async def _providers(services: GatewayServices) -> dict[str, AccountHealth]:
    """The states of the accounts. Empty if the database does not answer in time.

    An account that no worker has declared yet has failed nowhere.
    """
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            known = await services.loop_database.statement(account_health.of_all)
    except (TimeoutError, *OUTAGES):
        return {}
    names = sorted(name for name in services.providers.available() if not is_twin(name))
    return {name: known.get(name, AccountHealth.WORKS) for name in names}
