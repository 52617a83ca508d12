"""What a peer's processes are told: one JSON document in one environment variable."""

import os
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

VARIABLE: Final = "PEER_SETUP"

Mode = Literal["callback", "poll"]

POLL_SECONDS: Final = 2.5
"""Between two status reads; Kie advises 2 to 3 seconds at first, and Reelworks' default is the same."""

SAFETY_POLL_SECONDS: Final = 60.0
"""In callback mode, after which a callback is taken for lost, where a peer looks for lost ones; as in Reelworks."""


class S3(BaseModel):
    """The bucket, and the folder in it that is the peer's."""

    model_config = ConfigDict(frozen=True)

    endpoint: str
    access_key: str
    secret_key: str
    secure: bool
    region: str
    bucket: str
    prefix: str


class Kie(BaseModel):
    """The vendor account."""

    model_config = ConfigDict(frozen=True)

    base_url: str
    api_key: str
    webhook_key: str


class Setup(BaseModel):
    """Where a peer's services are and how it waits."""

    model_config = ConfigDict(frozen=True)

    mode: Mode
    door_url: str
    database_url: str
    """The peer's own database: `postgresql://...`."""
    redis_url: str
    s3: S3
    kie: Kie

    @classmethod
    def of_environment(cls) -> "Setup":
        """What this process was told."""
        return cls.model_validate_json(os.environ[VARIABLE])

    def environment(self) -> dict[str, str]:
        """The variable that tells another process."""
        return {VARIABLE: self.model_dump_json()}

    def callback_url(self, order_id: str) -> str | None:
        """Where the vendor is to call back; None in poll mode."""
        return f"{self.door_url}/callbacks/{order_id}" if self.mode == "callback" else None
