"""The meaning of each vendor's refusals of a create: what is the matter with our account, and how long it lasts."""

import json
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from providers.http.transport import Transport
from providers.registry import adapter_names
from schemas.limits import Refusal
from tests.contract.conftest import Vendor
from tests.contract.raw_server import RawServer, http
from tests.contract.test_providers import failure_of, submit
from tests.contract.wires import WIRES

TOO_FAST, TOO_MANY, DAILY, NO_MONEY = Refusal.TOO_FAST, Refusal.TOO_MANY, Refusal.DAILY, Refusal.NO_MONEY


class Told(NamedTuple):
    """A vendor's answer to a create, and its meaning."""

    status: int
    body: object
    refusal: Refusal | None
    retry_after: float | None = None
    headers: Mapping[str, str] = {}


def _google(*details: object, message: str = "Resource exhausted") -> dict[str, object]:
    return {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": list(details)}}


def _quota(name: str) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": name}]}


def _retry(delay: str) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def _openai(message: str, **more: str) -> dict[str, object]:
    return {"error": {"message": message, **more}}


_KLING = [
    Told(429, {"code": 1100, "message": "account"}, None),
    Told(429, {"code": 1101, "message": "arrears"}, NO_MONEY),
    Told(429, {"code": 1102, "message": "used up"}, NO_MONEY),
    Told(429, {"code": 1302, "message": "too fast"}, TOO_FAST),
    Told(429, {"code": 1303, "message": "parallel task over resource pack limit"}, TOO_MANY),
    Told(429, {"code": 1304, "message": "address"}, None),
    Told(503, {"code": 5001, "message": "maintenance"}, None, 30, {"Retry-After": "30"}),
]


def _left(requests: str, reset: str) -> dict[str, str]:
    return {"x-ratelimit-remaining-requests": requests, "x-ratelimit-reset-requests": reset}


_OPENAI = [
    Told(429, _openai("Rate limit reached on images per min.", code="rate_limit_exceeded"), TOO_FAST),
    Told(
        429,
        _openai("slow down"),
        TOO_FAST,
        372,
        _left("0", "6m12s"),
    ),
    Told(
        429,
        _openai("slow down"),
        TOO_FAST,
        None,
        _left("9", "6m12s"),
    ),
    Told(
        429,
        _openai("slow down"),
        TOO_FAST,
        0.012,
        _left("0", "12ms"),
    ),
    Told(429, _openai("Rate limit reached for gpt-image-1 on requests per day (RPD): Limit 200"), DAILY),
    Told(429, _openai("You exceeded your current quota", type="insufficient_quota"), NO_MONEY),
    Told(400, _openai("Billing hard limit has been reached", code="billing_hard_limit_reached"), NO_MONEY),
    Told(402, _openai("Insufficient credits"), NO_MONEY),
]
_LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
_THROTTLED = "Request was throttled. Your rate limit resets in ~9s."

TOLD: Mapping[str, list[Told]] = {
    "fal": [
        Told(429, {"detail": "too many requests"}, TOO_FAST),
        Told(402, {"detail": "payment required"}, NO_MONEY),
        Told(403, {"detail": _LOCKED}, NO_MONEY),
        Told(403, {"detail": "User is locked. Reason: TOP_UP."}, NO_MONEY),
        Told(403, {"detail": "User is locked. Reason: Admin lock. Please contact support@fal.ai"}, None),
    ],
    "gemini": [
        Told(429, _google(_retry("7s")), TOO_FAST, 7),
        Told(429, _google(_quota("GenerateRequestsPerMinutePerProjectPerModel"), _retry("34s")), TOO_FAST, 34),
        Told(429, _google(_quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")), DAILY),
        Told(503, _google(_retry("5s")), None, 5),
    ],
    "kie": [
        Told(200, {"code": 402, "msg": "Credits insufficient"}, NO_MONEY),
        Told(200, {"code": 429, "msg": "Your call frequency is too high."}, TOO_FAST),
        Told(429, {"code": 429, "msg": "Your call frequency is too high."}, TOO_FAST, 4, {"Retry-After": "4"}),
        Told(200, {"code": 433, "msg": "sub-key usage exceeds limit"}, DAILY),
        Told(200, {"code": 455, "msg": "maintenance"}, None),
    ],
    "kling": _KLING,
    "kling_legacy": _KLING,
    "longcat": [
        Told(429, {"error": {"message": "busy"}}, TOO_MANY, 3, {"Retry-After": "3"}),
        Told(503, {"error": {"message": "busy"}}, None, 3, {"Retry-After": "3"}),
    ],
    "comfyui": [
        Told(429, {"error": {"type": "busy", "message": "busy"}}, TOO_MANY, 3, {"Retry-After": "3"}),
        Told(503, {"error": {"message": "busy"}}, None, 3, {"Retry-After": "3"}),
    ],
    "local": [
        Told(429, {"error": {"code": "queue_full", "message": "busy"}}, TOO_MANY, 3, {"Retry-After": "3"}),
        Told(503, {"error": {"code": "draining", "message": "ends"}}, None, 3, {"Retry-After": "3"}),
    ],
    "openai_images": _OPENAI,
    "openai_videos": _OPENAI,
    "replicate": [
        Told(429, {"detail": _THROTTLED, "status": 429}, TOO_FAST, 9),
        Told(429, {"detail": "Request was throttled.", "status": 429, "retry_after": 5}, TOO_FAST, 5),
        Told(429, {"detail": _THROTTLED}, TOO_FAST, 2, {"Retry-After": "2"}),
        Told(402, {"title": "Insufficient credit", "detail": "You have insufficient credit."}, NO_MONEY),
    ],
    "runway": [
        Told(429, {"error": "Too many requests"}, TOO_FAST),
        Told(429, {"error": "You have reached your daily limit of 50 generations"}, DAILY),
        Told(400, {"error": "You do not have enough credits to run this task."}, NO_MONEY),
        Told(400, {"error": "Validation of body failed"}, None),
        Told(503, {"error": "load is shed"}, None, 20, {"Retry-After": "20"}),
    ],
    "vertex": [
        Told(429, _google(message="Quota exceeded for aiplatform.googleapis.com/online_prediction_requests"), TOO_FAST),
        Told(429, _google(), TOO_FAST, 8, {"Retry-After": "8"}),
        Told(503, _google(), None),
    ],
}  # fmt: skip
_CASES = [(name, told) for name, each in TOLD.items() for told in each]


def test_every_adapter_is_in_the_table() -> None:
    assert set(TOLD) == adapter_names()


@pytest.mark.parametrize(("name", "told"), _CASES, ids=[f"{each[0]} {each[1].status}" for each in _CASES])
def test_refusal_of_a_create_says_what_is_the_matter(
    name: str, told: Told, server: RawServer, transport: Transport
) -> None:
    vendor = Vendor(name, WIRES[name], transport, server)
    server.will(http(told.status, json.dumps(told.body).encode(), dict(told.headers)))
    error = failure_of(lambda: submit(vendor))
    wanted = None if told.retry_after is None else min(told.retry_after, 300)
    assert (error.refusal, error.retry_after) == (told.refusal, wanted)
