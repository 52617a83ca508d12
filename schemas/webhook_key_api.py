"""The public key of webhooks."""

from pydantic import BaseModel, Field


class WebhookPublicKey(BaseModel):
    """The key that verifies the signatures `v1a` of messages."""

    public_key: str = Field(
        description="`whpk_` and the 32 bytes of an Ed25519 public key in base64",
        pattern="^whpk_[A-Za-z0-9+/]{43}=$",
        examples=["whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
    )
