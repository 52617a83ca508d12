"""Previews: an image model makes a picture of a video's first frame; later a video model goes on from the picture.

The section `[previews]` of catalogue.toml says which models do so.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final, TypeVar

from pydantic import Field

from providers.catalogue.capabilities import Entry, FieldProblem
from providers.catalogue.models import Model
from providers.catalogue.names import Name
from schemas.enums import Kind
from schemas.orders import GenerationRequest
from schemas.reordering import FIRST_FRAME

_Value = TypeVar("_Value")

_OF_THE_VIDEO: Final = (
    "negative_prompt", "resolution", "duration_seconds", "fps", "motion", "generate_audio", "enhance_prompt",
)  # fmt: skip
"""Settings that a picture of a first frame does not have."""


class Previews(Entry):
    """The models that make previews, and those that make the videos from them."""

    frame: str = Field(min_length=1, description="the text that asks for the first frame; added to the prompt")
    models: list[Name] = Field(min_length=1)
    """The image models, in order of preference."""

    siblings: dict[Name, Name]
    """The model that makes the video from a picture, by the model that makes the video from text."""

    without: list[Name] = Field(default=[])
    """The models that make videos from text, and have no sibling."""

    def check(self, models: Mapping[str, Model]) -> None:
        """Check that every model can do its part.

        Raises:
            ValueError: a name is unknown, or its model cannot do that.
        """
        if unknown := {*self.models, *self.siblings, *self.siblings.values(), *self.without} - models.keys():
            raise ValueError(f"previews: there is no model {sorted(unknown)}")
        for name in self.models:
            if models[name].kind is not Kind.IMAGE or models[name].capabilities.min_images:
                raise ValueError(f"previews: {name} makes no picture from text alone")
        if not all(starts_from_text(models[name]) for name in (*self.siblings, *self.without)):
            raise ValueError("previews: `siblings` and `without` name models that make videos from text alone")
        if both := self.siblings.keys() & set(self.without):
            raise ValueError(f"previews: {sorted(both)} have a sibling, and are listed without one")
        for picture, video in product(self.models, set(self.siblings.values())):
            if not _starts_from_picture_of(models[video], models[picture]):
                raise ValueError(f"previews: {video} makes no video from one picture of {picture}")


def video_of(request: GenerationRequest, model: Model, sibling: Model) -> GenerationRequest:
    """The request for the video from its first frame, with the defaults of the model that the customer named."""
    can, defaults = sibling.capabilities, model.defaults
    takes_shape = bool(can.aspect_ratios) and not can.keeps_image_shape
    sound = _if_in(can.audio_choices, defaults.audio) if request.generate_audio is None else request.generate_audio
    changes: dict[str, Any] = {
        "model": sibling.name,
        "kind": Kind.VIDEO,
        "preview": False,
        "image_urls": [FIRST_FRAME],
        "aspect_ratio": (request.aspect_ratio or defaults.aspect_ratio) if takes_shape else None,
        "resolution": request.resolution or _if_in(can.resolutions, defaults.resolution),
        "duration_seconds": request.duration_seconds or _if_in(can.durations_seconds, defaults.duration_seconds),
        "fps": request.fps or _if_in(can.fps_choices, defaults.fps),
        "generate_audio": sound,
    }
    return request.model_copy(update=changes)


class PreviewsHere:
    """The previews that the configured accounts can make."""

    def __init__(self, previews: Previews | None, orderable: Mapping[str, Model]) -> None:
        """Keeps what can be ordered.

        Args:
            orderable: the models that can be ordered here, by name.
        """
        named = previews.models if previews else []
        starts = previews.siblings if previews else {}
        self._frame = previews.frame if previews else ""
        self.painters = [orderable[name] for name in named if name in orderable]
        """The models that make the pictures, in order of preference."""
        self.siblings = {
            name: orderable[sibling]
            for name, sibling in starts.items()
            if self.painters and name in orderable and sibling in orderable
        }
        """The models that make the videos from the pictures, by the model that a request names."""

    def pictures_of(self, request: GenerationRequest, model: Model) -> list[tuple[Model, GenerationRequest]]:
        """The models that make a picture of a video's first frame, each with its request.

        Args:
            request: the request for the video, with the text of its style.
            model: the video's model, whose default shape holds.
        """
        return [(painter, self._picture_of(request, model, painter)) for painter in self.painters]

    def _picture_of(self, request: GenerationRequest, model: Model, painter: Model) -> GenerationRequest:
        most = painter.capabilities.max_seed
        changes: dict[str, Any] = {
            **dict.fromkeys(_OF_THE_VIDEO),
            "model": painter.name,
            "kind": Kind.IMAGE,
            "preview": False,
            # The variants are of the video.
            "variants": [],
            "prompt": f"{request.prompt}\n\n{self._frame}",
            "aspect_ratio": request.aspect_ratio or model.defaults.aspect_ratio,
            "seed": request.seed if most is not None and request.seed is not None and request.seed <= most else None,
        }
        return request.model_copy(update=changes)

    def problem(self, model: Model) -> FieldProblem:
        """The problem of a preview with a model that has none here."""
        better = [name for name, sibling in self.siblings.items() if sibling is model]
        if not self.siblings:
            message = "is not possible here: no provider that is configured here makes the picture and the video"
        elif model.kind is Kind.IMAGE:
            message = f"is for videos, and {model.name} makes images: leave it out"
        elif better:
            message = f"makes the picture that {model.name} needs: order it with {' or '.join(better)}"
        else:
            message = f"needs an image-to-video sibling, and {model.name} has none here"
        return FieldProblem(field="preview", message=message, allowed={"models": better or list(self.siblings)})


def starts_from_text(model: Model) -> bool:
    """Whether a model makes videos from text alone."""
    can = model.capabilities
    return model.kind is Kind.VIDEO and can.min_images == 0 and can.min_videos == 0


def _starts_from_picture_of(video: Model, picture: Model) -> bool:
    can = video.capabilities
    takes_one = can.min_images <= 1 <= can.max_images and can.min_videos == 0
    return video.kind is Kind.VIDEO and takes_one and f"image/{picture.defaults.output_format}" in can.image_types


def _if_in(choices: Sequence[_Value], value: _Value | None) -> _Value | None:
    return value if value in choices else None
