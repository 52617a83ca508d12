"""The secrets of the embedded parts: made once for a run folder, and kept there."""

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
    """As Standard Webhooks write one."""
    return f"whsec_{b64encode(token_bytes(24)).decode()}"


class Credentials(BaseModel):
    """Every secret that we make up, none of them meant for anything outside this machine."""

    model_config = ConfigDict(frozen=True)

    postgres_password: str = Field(default_factory=_secret, repr=False)
    redis_password: str = Field(default_factory=_secret, repr=False)
    s3_access_key: str = Field(default_factory=_secret, repr=False)
    s3_secret_key: str = Field(default_factory=_secret, repr=False)
    sandbox_api_key: str = Field(default_factory=_secret, repr=False)
    sandbox_webhook_secret: str = Field(default_factory=_webhook_secret, repr=False)

    @classmethod
    def of(cls, folder: Path) -> "Credentials":
        """The secrets of this run folder; the first call makes them. Only our user can read the file.

        Raises:
            StackError: the file holds something else.
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
