"""The account at the vendor of OpenAI-compatible pictures, and its key."""

import hmac

from sandbox.config import SandboxConfig
from sandbox.openai_errors import OpenAIError
from sandbox.vendors.openai_images.record import OpenAIImagesRecords


class OpenAIImagesAccount:
    """Checks the account's key and limits."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self.records = OpenAIImagesRecords(config.public_url)

    def authorize(self, authorization: str | None) -> None:
        """Raise `OpenAIError` 401 unless the header carries the account's key."""
        if not hmac.compare_digest((authorization or "").encode(), f"Bearer {self._key}".encode()):
            raise OpenAIError(401, "Incorrect API key provided", reason="invalid_api_key")
