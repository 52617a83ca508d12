"""The secrets of the embedded parts. The first start from a run folder creates them and keeps them there."""

from base64 import b64encode
from pathlib import Path
from secrets import token_bytes, token_hex

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stack.errors import StackError
from stack.private_file import write_private

FILE_NAME = "credentials.json"


def _secret() -> str:
    return token_hex(24)


def _webhook_secret() -> str:
    """A secret in the format of Standard Webhooks."""
    return f"whsec_{b64encode(token_bytes(24)).decode()}"


class Credentials(BaseModel):
    """Every generated secret. None is for use outside this machine."""

    model_config = ConfigDict(frozen=True)

    postgres_password: str = Field(default_factory=_secret, repr=False)
    """The password of the database role."""
    redis_password: str = Field(default_factory=_secret, repr=False)
    """The password of Redis."""
    s3_access_key: str = Field(default_factory=_secret, repr=False)
    """The access key of the object store."""
    s3_secret_key: str = Field(default_factory=_secret, repr=False)
    """The secret key of the object store."""
    sandbox_api_key: str = Field(default_factory=_secret, repr=False)
    """The API key that the sandbox expects."""
    sandbox_webhook_secret: str = Field(default_factory=_webhook_secret, repr=False)
    """The secret with which the sandbox signs callbacks."""

    @classmethod
    def of(cls, folder: Path) -> "Credentials":
        """The secrets of a run folder. The first call creates them. Only the current user can read the file.

        Raises:
            StackError: the file is damaged.
        """
        path = folder / FILE_NAME
        try:
            credentials = cls.model_validate_json(path.read_bytes()) if path.exists() else cls()
        except ValidationError as error:
            raise StackError(
                f"{path} is damaged. It holds the password of the database beside it: restore the file, "
                f"or remove the folder {folder} to begin anew"
            ) from error
        write_private(path, credentials.model_dump_json(indent=2))
        return credentials
