"""Names that are not ours to list: whoever adds a vendor or configures an account chooses them."""

from typing import Annotated

from pydantic import StringConstraints

ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""A vendor account: `kie` in `REELWORKS_PROVIDERS__KIE__API_KEY`, in routes, in callback URLs and in rows."""
