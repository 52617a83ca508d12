"""A fictitious service account: its key file, and the token endpoint that takes its signatures.

Source of the key file's fields and of both bodies: `google/oauth2/service_account.py` and `google/oauth2/_client.py` of
https://github.com/googleapis/google-auth-library-python.
"""

from functools import cached_property
from secrets import token_urlsafe

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.task import JsonObject

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Google's client uses this audience for every `token_uri` of a key.
_AUDIENCE = "https://oauth2.googleapis.com/token"
_LIFETIME_SECONDS = 3599
_KEY_BITS = 2048


class TokenRefused(Exception):
    """The token endpoint refuses a token. Holds OAuth's error code and description."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description


class ServiceAccount:
    """One service account with one key. The key is made at the first use."""

    def __init__(self, project: str, *, token_uri: str) -> None:
        self._project = project
        self._token_uri = token_uri
        self._tokens: set[str] = set()
        self.email = f"reelworks@{project}.iam.gserviceaccount.com"

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)

    def key_file(self) -> JsonObject:
        """The key file, as Google's console offers it for download."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {
            "type": "service_account",
            "project_id": self._project,
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": self.email,
            "token_uri": self._token_uri,
        }

    def exchange(self, grant_type: str, assertion: str) -> JsonObject:
        """An access token for a signed assertion. Raises `TokenRefused`."""
        if grant_type != GRANT_TYPE:
            raise TokenRefused("unsupported_grant_type", f"Invalid grant_type: {grant_type}")
        try:
            claims = jwt.decode(
                assertion,
                self._key.public_key(),
                algorithms=["RS256"],
                audience=_AUDIENCE,
                issuer=self.email,
                options={"require": ["iat", "exp", "scope"]},
            )
        except jwt.InvalidSignatureError:
            raise TokenRefused("invalid_grant", "Invalid JWT Signature.") from None
        except jwt.InvalidTokenError as error:
            raise TokenRefused("invalid_grant", f"Invalid JWT: {error}") from None
        if SCOPE not in str(claims["scope"]).split():
            raise TokenRefused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        token = f"ya29.{token_urlsafe(48)}"
        self._tokens.add(token)
        return {"access_token": token, "expires_in": _LIFETIME_SECONDS, "token_type": "Bearer"}

    def has_issued(self, token: str) -> bool:
        """Whether the service account issued this token."""
        return token in self._tokens
