"""The errors of an outage of PostgreSQL or the object store."""

from minio.error import MinioException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from urllib3.exceptions import HTTPError

OUTAGES = (OperationalError, InterfaceError, PoolTimeout, MinioException, HTTPError, ConnectionError)
"""The exceptions of an outage. The same call may succeed later."""
