"""The project at Vertex AI: its access tokens, its service account, and its limit of creates a minute."""

import hmac

from sandbox.config import SandboxConfig
from sandbox.sliding_window import SlidingWindow
from sandbox.vendors.vertex.errors import VertexError
from sandbox.vendors.vertex.operations import Operations
from sandbox.vendors.vertex.service_account import ServiceAccount

PROJECT = "sandbox-project"
_MINUTE = 60


class VertexAccount:
    """Checks token, project and limits with Google's errors."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self._creates_per_minute = config.vertex_creates_per_minute
        self._creates: dict[str, SlidingWindow] = {}
        self.service_account = ServiceAccount(PROJECT, token_uri=f"{config.public_url}/vertex/token")
        self.operations = Operations()

    def authorize(self, authorization: str | None) -> None:
        """Raise `VertexError` 401 unless the header carries an access token of the token endpoint, or the API key."""
        scheme, _, token = (authorization or "").partition(" ")
        is_ours = hmac.compare_digest(token.encode(), self._key.encode())
        if scheme != "Bearer" or not (is_ours or self.service_account.has_issued(token)):
            raise VertexError(
                401,
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other",
            )

    def require_project(self, project: str) -> None:
        """Raise `VertexError` 403 for another project."""
        if project != PROJECT:
            raise VertexError(403, f"Permission 'aiplatform.endpoints.predict' denied on resource of project {project}")

    def admit(self, model: str, location: str) -> None:
        """Count a create. Raises `VertexError` 429 beyond the limit a minute of the model and region."""
        window = self._creates.setdefault(f"{location}/{model}", SlidingWindow(self._creates_per_minute, _MINUTE))
        if not window.admit():
            raise VertexError(429, f"Quota exceeded for online_prediction_requests_per_base_model of {model}")
