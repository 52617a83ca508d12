"""An honest order, and the time until its completion."""

import math
import time
from collections.abc import Mapping

import httpx

# Only an order that is lost takes so long.
_LONGEST_SECONDS = 300.0
_LOOK_EVERY_SECONDS = 0.02


def complete_order(client: httpx.Client, headers: Mapping[str, str], **changes: object) -> float:
    """The seconds from an order to its completion. Infinite: the order did not complete.

    Args:
        client: a client of the gateway.
        headers: authenticate the customer.
        changes: fields of the order beside the model and the prompt.

    Raises:
        httpx.HTTPStatusError: the order was refused.
    """
    began = time.monotonic()
    body = {"model": "nano-banana", "prompt": "a lighthouse in fog", **changes}
    answer = client.post("/v1/generations", json=body, headers=headers).raise_for_status()
    path = f"/v1/generations/{answer.json()['id']}"
    while time.monotonic() - began < _LONGEST_SECONDS:
        status = client.get(path, headers=headers).raise_for_status().json()["status"]
        if status == "completed":
            return time.monotonic() - began
        if status in {"failed", "cancelled"}:
            break
        time.sleep(_LOOK_EVERY_SECONDS)
    return math.inf
