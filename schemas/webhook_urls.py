"""The URLs to which messages go: `callback_url` of an order, and `url` of an endpoint.

This module checks the form. `providers.http.endpoint_urls` checks what the operator allows.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, ValidationError

from schemas.text import name

# The limit of `HttpUrl`, which its error would not name.
_LONGEST = 2083


def _endpoint_url(text: str) -> str:
    """The canonical spelling of a URL. Equal URLs are one endpoint."""
    text = name(text.strip())
    if len(text) > _LONGEST:
        raise ValueError(f"may have up to {_LONGEST:,} characters")
    try:
        url = HttpUrl(text)
    except ValidationError:  # the error's text may quote the input
        raise ValueError("must be a URL such as https://shop.example/hooks") from None
    if url.username is not None or url.password is not None:
        raise ValueError("must have no user name and no password: the signature of a message shows who sends it")
    if url.fragment is not None:
        raise ValueError("must have no part after #, which is never sent")
    return str(url)


EndpointUrl = Annotated[
    str, AfterValidator(_endpoint_url), Field(json_schema_extra={"format": "uri", "maxLength": _LONGEST})
]
"""A URL to which messages can go."""
