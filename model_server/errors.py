"""The two kinds of errors: of a call, and of a job."""

from collections.abc import Mapping
from enum import StrEnum


class ConfigurationInvalid(Exception):
    """The configuration file is wrong. The message has a line for each mistake."""


class CallRefused(Exception):
    """A call that the server answers with an error document."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status."""
        self.code = code
        """The word for programs."""
        self.message = message
        """The sentence for people."""
        self.headers = dict(headers or {})
        """Headers of the answer, such as `Retry-After`."""


def invalid(field: str, message: str) -> CallRefused:
    """A request with a wrong field."""
    return CallRefused(422, "invalid_request", f"{field}: {message}")


class FailureCode(StrEnum):
    """Why a job failed."""

    OUT_OF_MEMORY = "out_of_memory"
    """The size does not fit into the memory of this device."""
    CONTENT_REJECTED = "content_rejected"
    """The pipeline's own safety checker refused the result."""
    PIPELINE_FAILED = "pipeline_failed"
    """The pipeline did not load, or raised an error."""
    TIMEOUT = "timeout"
    """A step, or loading, took longer than the configuration allows."""


class JobFailed(Exception):
    """A job that ends as `failed`."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        """The word for programs."""
        self.message = message
        """The sentence for people."""
