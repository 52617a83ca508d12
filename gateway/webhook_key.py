"""`/v1/webhooks/public-key`: the key by which receivers verify the Ed25519 signatures of messages."""

from gateway.dependencies import ServicesOf
from gateway.routing import PrefixRouter
from notify.webhooks.signing import SigningKey
from schemas.webhook_key_api import WebhookPublicKey

router = PrefixRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.get("/public-key", summary="See the public key of webhooks")
async def public_key(services: ServicesOf) -> WebhookPublicKey:
    """Returns the Ed25519 key that verifies the signatures `v1a` of every message. Needs no API key."""
    key = SigningKey.of_installation(services.settings.secret_key.get_secret_value())
    return WebhookPublicKey(public_key=key.public)
