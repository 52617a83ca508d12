"""Describes a service that does not answer, for operators."""

from urllib.parse import urlsplit

import psycopg
from kombu.exceptions import KombuError
from minio.error import MinioException, S3Error
from redis.exceptions import NoPermissionError, RedisError
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError
from urllib3.exceptions import HTTPError

from schemas.settings import Settings


def in_words(error: Exception, settings: Settings) -> str | None:
    """One line without a secret: the service, its address and the reason. None for any other error."""
    match error:
        case OperationalError():
            return _database(error.orig, settings)
        case psycopg.OperationalError() if error.sqlstate is None:
            return _database(error, settings)
        case psycopg.Error():
            return f"the database refuses: {_first_line(error)}"
        case NoPermissionError():
            user = urlsplit(settings.redis_url).username or "default"
            return f"Redis does not allow this to its user {user}: {error}"
        case RedisError() | KombuError():
            parts = urlsplit(settings.redis_url)
            return f"Redis at {parts.hostname}:{parts.port or 6379} does not answer: {type(error).__name__}"
        case S3Error():
            return f"the object store at {settings.s3.endpoint} refuses: {error.code}"
        case MinioException() | HTTPError():
            return f"the object store at {settings.s3.endpoint} does not answer: {type(error).__name__}"
        case _:
            return None


def _database(error: BaseException | None, settings: Settings) -> str:
    url = make_url(settings.database_url)
    return f"the database at {url.host}:{url.port or 5432} does not answer: {_first_line(error)}"


def _first_line(error: BaseException | None) -> str:
    # The other lines are hints, or the statement.
    return str(error).partition("\n")[0]
