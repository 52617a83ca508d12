"""Names without a closed list: operators and adapters choose them."""

from typing import Annotated

from pydantic import StringConstraints

ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""The name of a provider account: `kie` in `REELWORKS_PROVIDERS__KIE__API_KEY`, in routes, callback URLs and rows."""
