"""The ends of work that every adapter reports: results with links, and failures."""

from decimal import Decimal

from pydantic import JsonValue

from providers.adapters.links import file_links
from providers.adapters.payload import texts
from providers.base import RemoteState, RemoteStatus
from schemas.enums import ErrorCode


def finished(vendor: str, result: JsonValue, *, or_paths: bool = False, credits_: Decimal | None = None) -> RemoteState:
    """The state of work that the vendor calls successful. Without a link to a file, the work has failed.

    Args:
        vendor: the vendor's name in a message.
        result: the part of the answer that holds the links.
        or_paths: as in `file_links`.
        credits_: the vendor's charge.
    """
    links = file_links(result, or_paths=or_paths)
    if links:
        return RemoteState(RemoteStatus.SUCCEEDED, result_urls=links, provider_credits=credits_)
    if texts(result):
        text = f"{vendor} reported success with a result that is no link to a file: {texts(result)[0]}"
        return failed(text, credits_=credits_)
    return failed(f"{vendor} reported success without a result", credits_=credits_)


def failed(
    message: str, code: ErrorCode = ErrorCode.PROVIDER_FAILED, *, credits_: Decimal | None = None
) -> RemoteState:
    """The state of failed work."""
    return RemoteState(RemoteStatus.FAILED, error_code=code, error_message=message, provider_credits=credits_)
