"""The configuration of a peer's processes: one JSON document in one environment variable."""

import os
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

VARIABLE: Final = "PEER_SETUP"

Mode = Literal["callback", "poll"]

POLL_SECONDS: Final = 2.5
"""The pause between two status reads. Kie advises 2 to 3 seconds at first; Reelworks' default is the same."""

SAFETY_POLL_SECONDS: Final = 60.0
"""The pause in callback mode after which a peer polls for a lost callback, if it does so. The same as in Reelworks."""


class S3(BaseModel):
    """The bucket, and the peer's folder in it."""

    model_config = ConfigDict(frozen=True)

    endpoint: str
    """Host and port."""
    access_key: str
    """The access key."""
    secret_key: str
    """The secret key."""
    secure: bool
    """Whether to use TLS."""
    region: str
    """The region."""
    bucket: str
    """The bucket's name."""
    prefix: str
    """The peer's folder."""


class Kie(BaseModel):
    """The vendor account."""

    model_config = ConfigDict(frozen=True)

    base_url: str
    """The URL of the API."""
    api_key: str
    """The API key."""
    webhook_key: str
    """The secret that signs callbacks."""


class Setup(BaseModel):
    """The addresses of a peer's services, and the mode."""

    model_config = ConfigDict(frozen=True)

    mode: Mode
    """`callback` or `poll`."""
    door_url: str
    """The URL of the peer's door."""
    database_url: str
    """The URL of the peer's own database: `postgresql://...`."""
    redis_url: str
    """The URL of the peer's Redis number."""
    s3: S3
    """The object store."""
    kie: Kie
    """The vendor account."""

    @classmethod
    def of_environment(cls) -> "Setup":
        """The configuration of this process."""
        return cls.model_validate_json(os.environ[VARIABLE])

    def environment(self) -> dict[str, str]:
        """The environment variable for another process."""
        return {VARIABLE: self.model_dump_json()}

    def callback_url(self, order_id: str) -> str | None:
        """The callback URL of an order. None in poll mode."""
        return f"{self.door_url}/callbacks/{order_id}" if self.mode == "callback" else None
