"""Names without a closed list: operators and adapters choose them."""

from typing import Annotated, Final

from pydantic import StringConstraints

ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""The name of a provider account: `kie` in `REELWORKS_PROVIDERS__KIE__API_KEY`, in routes, callback URLs and rows."""

TWIN_PREFIX: Final = "test_"
"""The beginning of the names of twins, and of no other account."""


def twin_of(account: ProviderName) -> ProviderName:
    """The name of an account's twin, which serves the orders of test keys and leads to the sandbox."""
    return TWIN_PREFIX + account


def is_twin(account: ProviderName) -> bool:
    """Whether a name is a twin's. No configured account has such a name."""
    return account.startswith(TWIN_PREFIX)


def original_of(account: ProviderName) -> ProviderName:
    """The account of a twin; any other account itself."""
    return account.removeprefix(TWIN_PREFIX)
