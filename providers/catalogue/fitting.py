"""Fits the settings of a request to a model: a setting that the model cannot do takes the nearest value, or goes.

Texts, files, an unknown style and the number of outputs stay as they are: a request with a wrong one is refused. So
does `enhance_prompt: false`, because a model that always enhances would change the customer's words.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any, Final, Literal

from providers.catalogue.capabilities import as_text
from providers.catalogue.models import Model
from schemas.orders import GenerationRequest

FitMode = Literal["nearest", "drop"]
"""`nearest`: a wrong value becomes the nearest one. `drop`: a wrong value stays, and will be refused.

Both leave out a setting that the model does not take, and `auto` where the model does not know that word.
"""

NO_DEFAULTS: Final[Mapping[str, object]] = {}
"""The defaults of a form that has none: the model's own hold."""

_AUTO = "auto"

_SHAPE = re.compile(r"([0-9]+(?:\.[0-9]+)?)[:x/]([0-9]+(?:\.[0-9]+)?)")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([pk]?)")


@dataclass(frozen=True)
class Change:
    """A setting that the result will not have as asked for."""

    field: str
    """The field of the request."""
    asked: str
    """The value in the request."""
    taken: str | None
    """The value instead. None: the setting is left out, because the model does not take it."""


@dataclass(frozen=True)
class Fitted:
    """A request with the settings of a model."""

    request: GenerationRequest
    """The request for the catalogue."""
    changes: tuple[Change, ...]
    """Every difference that a customer would notice."""


def fit(model: Model, request: GenerationRequest, mode: FitMode) -> Fitted:
    """The request with settings that the model takes."""
    values: dict[str, Any] = {}
    changes: list[Change] = []
    for field, choices in _choices(model, request).items():
        asked = getattr(request, field)
        # A model without sound is silent: `false` is right there.
        if asked is None or asked in choices or (asked is False and not choices):
            continue
        values[field] = taken = _taken(field, asked, choices, getattr(model.defaults, field, None), mode)
        if not _means(asked, taken):
            changes.append(Change(field, as_text(asked), None if taken is None else as_text(taken)))
    return Fitted(request.model_copy(update=values), tuple(changes))


def with_defaults(request: GenerationRequest, defaults: Mapping[str, object]) -> GenerationRequest:
    """The request with the defaults of a form in place of omitted settings."""
    omitted = {field: value for field, value in defaults.items() if getattr(request, field) is None}
    return request.model_copy(update=omitted)


def _choices(model: Model, request: GenerationRequest) -> Mapping[str, Sequence[Any]]:
    """The values of each setting that can serve the request. Empty: the model does not take the setting."""
    can = model.capabilities
    return {
        "aspect_ratio": [] if can.takes_shape_of(request) else can.aspect_ratios,
        "resolution": can.resolutions,
        "duration_seconds": can.durations_seconds,
        "fps": can.fps_choices,
        "motion": [request.motion] if can.motion else [],
        "generate_audio": can.audio_choices if can.audio else [],
        "output_format": can.output_formats,
        "seed": _seeds(can.max_seed, request),
        "style": [request.style] if can.uses_prompt else [],
        "negative_prompt": [request.negative_prompt] if can.negative_prompt_characters else [],
        "enhance_prompt": [False, True] if can.enhance_prompt else [],
    }


def _seeds(most: int | None, request: GenerationRequest) -> list[int]:
    """The nearest seed. Each further output has the next seed."""
    return [] if most is None else [min(request.seed or 0, most - (request.number_of_outputs - 1))]


def _taken(field: str, asked: Any, choices: Sequence[Any], default: Any, mode: FitMode) -> Any:
    """The value instead of a value that is not among the choices."""
    if not choices or asked == _AUTO:
        return None
    if isinstance(asked, str) and (same := [one for one in choices if one.casefold() == asked.casefold()]):
        return same[0]
    if mode == "drop":
        return asked
    return min(choices, key=lambda choice: (_distance(field, asked, choice), choice != default))


def _means(asked: Any, taken: Any) -> bool:
    """Whether a customer gets the value that was asked for."""
    return asked in {_AUTO, taken} or (isinstance(taken, str) and asked.casefold() == taken.casefold())


def _distance(field: str, asked: Any, choice: Any) -> tuple[float | Fraction, ...]:
    """The distance between two values. Of two numbers at one distance, the less is nearer. Empty: none is nearer."""
    match field:
        case "aspect_ratio":
            return _between_shapes(asked, choice)
        case "resolution":
            return _between_sizes(asked, choice)
        case "duration_seconds" | "fps" | "seed":
            return abs(asked - choice), choice
        case _:
            return ()


def _between_shapes(asked: str, choice: str) -> tuple[float | Fraction, ...]:
    """How many times one shape is wider than the other."""
    one, other = _shape(asked), _shape(choice)
    if one is None:
        return ()
    return (inf,) if other is None else (max(one / other, other / one),)


def _shape(text: str) -> Fraction | None:
    """Width divided by height. None for a text that names no shape."""
    found = _SHAPE.fullmatch(text)
    width, height = map(Fraction, found.groups()) if found else (Fraction(0), Fraction(0))
    return width / height if width and height else None


def _between_sizes(asked: str, choice: str) -> tuple[float, ...]:
    one, other = _pixels(asked), _pixels(choice)
    if one is None:
        return ()
    return (inf,) if other is None else (abs(one - other), other)


_FACTORS: Final[Mapping[str, float]] = {"p": 16 / 9, "k": 1024 * 1024, "": 1}
"""The factor of the square of a number: `720p` is the height of a wide video, `2K` is the side of a square."""


def _pixels(text: str) -> float | None:
    """The pixels of a resolution, such as `720p`, `2K`, `512` or `1280x720`. None for another text."""
    text = text.casefold()
    if found := _SIZE.fullmatch(text):
        return float(found[1]) ** 2 * _FACTORS[found[2]]
    found = _SHAPE.fullmatch(text)
    return float(found[1]) * float(found[2]) if found else None
