"""What must not be forgotten outlasts an outage of our own services."""

import tenacity

from storage.outages import OUTAGES

_OUTLAST_SECONDS = 300.0

outlasting_outages = tenacity.retry(
    retry=tenacity.retry_if_exception_type(OUTAGES),
    wait=tenacity.wait_exponential(multiplier=0.1, max=2),
    stop=tenacity.stop_after_delay(_OUTLAST_SECONDS),
    reraise=True,
)
"""Calls the function again while a service is away, for five minutes at most."""
