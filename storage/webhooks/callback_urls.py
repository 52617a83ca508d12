"""The endpoints that orders make by their `callback_url`: one for each customer and URL."""

from collections.abc import Iterable, Mapping
from uuid import UUID, uuid4

from schemas.errors import InvalidRequest
from schemas.webhooks import USUAL_TYPES
from storage.sql import Sql, returns
from storage.webhooks.endpoints import new_secret

MOST = 10_000
"""The most callback URLs of a customer at one time. A sweep removes unused ones."""

_FRESH = "used_at > now() - interval '1 hour'"

# A row that was used within the hour is left alone: orders of one URL do not wait for each other.
_FIND = returns(lambda url, endpoint_id: (str(url), UUID(str(endpoint_id))))(f"""
    SELECT url, id FROM webhook_endpoints
    WHERE customer_id = %(customer_id)s AND url = ANY(%(urls)s) AND is_implicit AND deleted_at IS NULL AND {_FRESH}
""")  # noqa: S608 -- a constant

# Rows are locked in the order of their URLs, so that two orders do not deadlock. An order resumes an endpoint that
# failed or was gone, at most once an hour. `failing_since` stays, so a failed try pauses the endpoint again.
_MAKE = returns(lambda url, endpoint_id: (str(url), UUID(str(endpoint_id))))("""
    INSERT INTO webhook_endpoints (id, customer_id, url, is_implicit, types, secret)
    SELECT given.id, %(customer_id)s, given.url, true, %(types)s, given.secret
    FROM unnest(%(ids)s::uuid[], %(urls)s::text[], %(secrets)s::text[]) AS given (id, url, secret)
    ORDER BY given.url
    ON CONFLICT (customer_id, url) WHERE deleted_at IS NULL AND is_implicit DO UPDATE
    SET used_at = now(),
        paused_at = CASE WHEN webhook_endpoints.paused_reason = 'requested' THEN webhook_endpoints.paused_at END,
        paused_reason = CASE WHEN webhook_endpoints.paused_reason = 'requested' THEN 'requested' END
    RETURNING url, id
""")

_COUNT = returns(int)("""
    SELECT count(*) FROM webhook_endpoints
    WHERE customer_id = %(customer_id)s AND is_implicit AND deleted_at IS NULL
""")


def endpoints_of(sql: Sql, customer_id: UUID, urls: Iterable[str | None]) -> Mapping[str | None, UUID]:
    """The endpoints of the callback URLs of orders. Makes those that the customer lacks, in the caller's transaction.

    Raises:
        InvalidRequest: the customer has as many callback URLs as a customer may have.
    """
    wanted = sorted({url for url in urls if url is not None})
    if not wanted:
        return {}
    found: dict[str | None, UUID] = dict(sql.all(_FIND, customer_id=customer_id, urls=wanted))
    missing = [url for url in wanted if url not in found]
    if not missing:
        return found
    made = sql.all(
        _MAKE, customer_id=customer_id, urls=missing, ids=[uuid4() for _ in missing],
        secrets=[new_secret() for _ in missing], types=list(USUAL_TYPES),
    )  # fmt: skip
    if (sql.first(_COUNT, customer_id=customer_id) or 0) > MOST:
        raise InvalidRequest.of_fields([("callback_url", _TOO_MANY)])
    return found | dict(made)


_TOO_MANY = (
    f"is one too many: you have {MOST:,} different ones. Use one URL for many orders, and tell the orders apart by "
    "`reference` or `metadata`, which each message has"
)
