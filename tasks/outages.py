"""Our own parts being away: each of them comes back."""

import tenacity
from minio.error import MinioException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from urllib3.exceptions import HTTPError

OUTAGES = (OperationalError, InterfaceError, PoolTimeout, MinioException, HTTPError, ConnectionError)

_OUTLAST_SECONDS = 300.0

outlasting_outages = tenacity.retry(
    retry=tenacity.retry_if_exception_type(OUTAGES),
    wait=tenacity.wait_exponential(multiplier=0.1, max=2),
    stop=tenacity.stop_after_delay(_OUTLAST_SECONDS),
    reraise=True,
)
"""For what must not be forgotten: the function is tried again for five minutes."""
