"""`extend_video` without a model takes the cheapest model that can extend the video."""

import asyncio
from typing import Any, cast

import httpx
import pytest

from agents.remote import Refused
from agents.service import Reelworks
from agents.tools import _extender
from schemas.errors import InvalidRequest, RequestError
from schemas.estimate_api import EstimateResource
from schemas.orders import GenerationRequest

PRICES = {"dear": 90, "cheap": 40}


class Extenders:
    """Three models that go on from videos. One of them refuses this video."""

    def __init__(self, refusal: RequestError) -> None:
        self._refusal = refusal

    async def models(self) -> list[dict[str, Any]]:
        return [{"name": name, "capabilities": {"continues_video": True}} for name in ("refuses", *PRICES)]

    async def estimate(self, request: GenerationRequest) -> EstimateResource:
        if request.model == "refuses":
            raise self._refusal
        price = PRICES[str(request.model)]
        return EstimateResource(
            model=str(request.model),
            number_of_outputs=1,
            credits=price,
            usual_seconds=None,
            expected_wait_seconds=None,
            models=[],
        )


def refused(status: int) -> Refused:
    return Refused.of(httpx.Response(status, json={"detail": "no", "code": "any"}))


def extender(refusal: RequestError) -> str:
    request = GenerationRequest(prompt="the boat sails on", video_urls=["https://example.com/a.mp4"])
    return asyncio.run(_extender(cast("Reelworks", Extenders(refusal)), request))


@pytest.mark.parametrize("refusal", [InvalidRequest("no"), refused(422)], ids=["at the door", "by the command"])
def test_a_model_that_refuses_the_video_is_passed_over(refusal: RequestError) -> None:
    assert extender(refusal) == "cheap"


def test_another_refusal_is_told() -> None:
    with pytest.raises(Refused):
        extender(refused(401))
