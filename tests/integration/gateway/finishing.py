"""Brings a generation to its end, as the workers do."""

import hashlib
from uuid import UUID

from schemas.enums import AssetRole, ErrorCode, Stage
from schemas.settings import Settings
from schemas.variants import VariantSpec
from storage import assets, claims, generations, transitions
from storage.assets import NewAsset
from storage.changes import Changes
from storage.claims import Claim
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from tests.support import NewCustomer, a_generation, an_order, some_claim

REMOTE_ID = "task-of-the-vendor"
RESULT_URL = "http://vendor.invalid/result.png?signature=secret"

_WAY = (Stage.SUBMITTING, Stage.GENERATING, Stage.DOWNLOADING, Stage.STORING, Stage.SETTLING)

_CHANGES = {
    Stage.GENERATING: Changes(remote_id=REMOTE_ID, result_urls=[RESULT_URL]),
    Stage.DOWNLOADING: Changes(provider_seconds=7.5),
}


def claim(database: Database, settings: Settings, generation_id: UUID) -> Claim:
    """Claim a generation."""
    with database.transaction() as session:
        found = generations.find(session, generation_id)
        assert found is not None
        lease_seconds = settings.pipeline.lease_seconds
        return some_claim(
            claims.claim(of(session), generation_id, Stage, attempt=found.attempt, lease_seconds=lease_seconds)
        )


def fail(database: Database, settings: Settings, generation_id: UUID, code: ErrorCode, message: str) -> None:
    """End a generation as failed."""
    held = claim(database, settings, generation_id)
    with database.transaction() as session:
        transitions.fail(of(session), held, code, message)


def complete(
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    generation_id: UUID,
    body: bytes,
    *,
    poster: bool = False,
) -> NewAsset:
    """Store `body` as the result of a generation, and settle it."""
    held = claim(database, settings, generation_id)
    asset = _stored(objects, AssetRole.RESULT, f"{_folder(held)}/{held.token}.png", body)
    with database.transaction() as session:
        for stage in _WAY:
            changes = _CHANGES.get(stage, Changes())
            held = transitions.move(of(session), held, stage, wake_in=0, keeps_lease=True, changes=changes)
        stored = [asset]
        if poster:
            stored.append(_stored(objects, AssetRole.POSTER, f"{_folder(held)}/{held.token}.poster.jpg", b"a poster"))
        customer_id, expires_in = held.generation.customer_id, held.order.expires_in
        assets.add(of(session), stored, generation_id=held.id, customer_id=customer_id, expires_in=expires_in)
        transitions.move(of(session), held, Stage.COMPLETED, wake_in=0)
    return asset


def complete_with_variants(
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    body: bytes,
    *wanted: dict[str, object],
) -> UUID:
    """A completed picture whose variants are not made yet."""
    specs = [VariantSpec.model_validate(spec) for spec in wanted]
    order = an_order().model_copy(update={"variants": specs})
    generation_id = a_generation(database, settings, customer, order)
    complete(database, settings, objects, generation_id, body)
    return generation_id


def _folder(held: Claim) -> str:
    return f"customers/{held.generation.customer_id}"


def _stored(objects: ObjectStore, role: AssetRole, key: str, body: bytes) -> NewAsset:
    objects.put_bytes(key, body, content_type="image/png")
    return NewAsset(
        role=role,
        object_key=key,
        content_type="image/png",
        size_bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        width=1024,
        height=768,
        codec="png",
    )
