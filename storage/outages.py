"""The errors that say that one of our own services is away: PostgreSQL or the object store."""

from minio.error import MinioException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from urllib3.exceptions import HTTPError

OUTAGES = (OperationalError, InterfaceError, PoolTimeout, MinioException, HTTPError, ConnectionError)
"""Each of these services comes back, so the same call may succeed later."""
