"""What an operator is told about a service that does not answer."""

from minio.error import MinioException, S3Error
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError
from urllib3.exceptions import HTTPError

from schemas.settings import Settings


def in_words(error: Exception, settings: Settings) -> str | None:
    """One line without a secret: which service, where, and why. None if the error is something else."""
    match error:
        case OperationalError():
            url = make_url(settings.database_url)
            # The first line: more are hints, or the statement.
            reason = str(error.orig).partition("\n")[0]
            return f"the database at {url.host}:{url.port or 5432} does not answer: {reason}"
        case S3Error():
            return f"the object store at {settings.s3.endpoint} refuses: {error.code}"
        case MinioException() | HTTPError():
            return f"the object store at {settings.s3.endpoint} does not answer: {type(error).__name__}"
        case _:
            return None
