"""Converts variants to API resources."""

from collections.abc import Sequence

from schemas.orders import Order
from schemas.stages import TERMINAL
from schemas.tables import Generation
from schemas.variant_api import VariantFailure, VariantFileResource, VariantResource
from schemas.variants import VariantError, VariantKind, VariantOrigin, VariantState
from storage.variants.reading import StoredVariant

_NO_RESULT = VariantFailure(code=VariantError.NOT_POSSIBLE, message="the generation ended without a result")


def variant_resources(
    row: Generation, order: Order, stored: Sequence[StoredVariant], path: str, *, is_kept: bool
) -> list[VariantResource]:
    """The API resources of the variants of a generation.

    Args:
        stored: the rows. There are none before the end of the generation: the order tells what will be made.
        path: the path of the generation.
        is_kept: whether the customer gets the result.
    """
    if stored:
        return [_of_row(each, path, is_kept=is_kept) for each in stored]
    is_over = row.stage in TERMINAL
    return [
        VariantResource(
            name=spec.name,
            kind=spec.kind,
            state=VariantState.FAILED if is_over else VariantState.PENDING,
            origin=None,
            keeps_provenance=None,
            error=_NO_RESULT if is_over else None,
            files=[],
            content=None,
            finished_at=row.finished_at,
        )
        for spec in order.variants
    ]


def _of_row(each: StoredVariant, path: str, *, is_kept: bool) -> VariantResource:
    row = each.variant
    is_ready = row.state is VariantState.READY
    return VariantResource(
        name=row.name,
        kind=VariantKind(row.kind),
        state=row.state,
        origin=row.origin,
        # A statement of origin names the bytes of its file. Only the file itself keeps it.
        keeps_provenance=row.origin is VariantOrigin.ORIGINAL if is_ready else None,
        error=VariantFailure(code=row.error_code, message=row.error_message or "") if row.error_code else None,
        files=[VariantFileResource.model_validate(file) for file in each.files],
        content=f"{path}/content?variant={row.name}" if is_ready and is_kept else None,
        finished_at=row.finished_at,
    )
