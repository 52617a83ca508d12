"""The names that the seeds have for the makers of models. `gemini` makes Veo, whichever account serves it."""

from collections.abc import Mapping
from typing import Final

from providers.catalogue.names import parts

_MAKERS: Final[Mapping[str, str]] = {
    "veo": "gemini",
    "gemini": "gemini",
    "banana": "gemini",
    "sora": "openai",
    "openai": "openai",
    "gpt": "openai",
    "kling": "klingai",
}
"""The maker by a word of the model's name."""


def maker_of(model: str, account: str) -> str:
    """The maker of a model. `account`: the provider account, for models whose makers the seeds do not name."""
    return next((_MAKERS[word] for word in parts(model) if word in _MAKERS), account)
