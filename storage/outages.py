"""The errors of an outage of PostgreSQL or the object store."""

from minio.error import MinioException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from urllib3.exceptions import HTTPError

STORE_OUTAGES = (MinioException, HTTPError, ConnectionError)
"""The exceptions of an outage of the object store, which may also refuse one file for good."""

OUTAGES = (OperationalError, InterfaceError, PoolTimeout, *STORE_OUTAGES)
"""The exceptions of an outage. The same call may succeed later."""
