"""The order that the fields of a video make, in our form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from gateway.openai.sizes import shape_of
from gateway.openai.video_fields import AUTO, VideoFields
from gateway.renamed import renamed
from providers.catalogue.fitting import Change
from schemas.enums import Kind
from schemas.errors import InvalidRequest
from schemas.orders import GenerationRequest, TurnFields
from schemas.refusals import Place, refusal

USUAL_MODEL: Final = "sora-2"
"""The model of an order without one, as OpenAI has it."""

_QUALITIES: Final = frozenset({AUTO, "standard"})
_USER: Final = "user"


@dataclass(frozen=True)
class VideoOrder:
    """An order of a video, from the fields of this dialect."""

    request: GenerationRequest
    """The request in our form."""
    names: Mapping[str, str]
    """This dialect's names of the fields, by ours."""
    ignored: Sequence[Change]
    """The fields that are taken and not used."""


def video_order(fields: VideoFields) -> VideoOrder:
    """The order that the fields make.

    Raises:
        InvalidRequest: the values make no request.
    """
    _require_one_of_each(fields)
    size = None if fields.size in {None, AUTO} else fields.size
    pictures = _pictures(fields)
    names = _names(fields, size, pictures)
    shape, resolution = shape_of(size) if size else (None, None)
    values: dict[str, Any] = {
        "kind": Kind.VIDEO,
        "model": fields.model or USUAL_MODEL,
        "prompt": fields.prompt,
        "negative_prompt": fields.negative_prompt,
        "image_urls": [url for _, url in pictures],
        "aspect_ratio": fields.aspect_ratio or shape,
        "resolution": fields.resolution or resolution,
        "duration_seconds": fields.seconds or fields.duration,
        "seed": fields.seed,
        "generate_audio": fields.generate_audio,
        "metadata": {**({_USER: fields.user} if fields.user else {}), **fields.metadata},
        "callback_url": fields.callback_url,
        **turn_of(fields),
    }
    request = request_of(values, names)
    is_ignored = fields.quality is not None and fields.quality not in _QUALITIES
    return VideoOrder(request, names, [Change("quality", str(fields.quality), None)] if is_ignored else [])


def turn_of(fields: TurnFields) -> dict[str, Any]:
    """The values of the fields that decide when the order starts."""
    return {name: getattr(fields, name) for name in TurnFields.model_fields}


def request_of(values: Mapping[str, Any], names: Mapping[str, str]) -> GenerationRequest:
    """The request with these values.

    Raises:
        InvalidRequest: the values make no request.
    """
    try:
        return GenerationRequest(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        wrong = refusal(problems, lambda location: Place(location, GenerationRequest, "body"))
        raise renamed(wrong, names) from None


def _require_one_of_each(fields: VideoFields) -> None:
    if fields.duration is not None and fields.seconds not in {None, fields.duration}:
        raise InvalidRequest.of_fields([("duration", "differs from `seconds`: send one of them")])
    frames = sorted(each.frame_type for each in fields.frame_images)
    if frames and fields.input_reference is not None:
        text = "cannot stand beside `input_reference`, which is the first picture: send one of them"
        raise InvalidRequest.of_fields([("frame_images", text)])
    if frames not in ([], ["first_frame"], ["first_frame", "last_frame"]):
        text = "must have one first_frame, and at most one last_frame"
        raise InvalidRequest.of_fields([("frame_images", text)])


def _pictures(fields: VideoFields) -> list[tuple[str, str]]:
    """The pictures in the order of models, each with its place: the first, the last, and the references."""
    first = [("input_reference", fields.input_reference)] if fields.input_reference else []
    frames = [
        (each.frame_type, f"frame_images.{number}", each.image_url) for number, each in enumerate(fields.frame_images)
    ]
    references = [(f"input_references.{number}", url) for number, url in enumerate(fields.input_references)]
    # "first_frame" sorts before "last_frame".
    return [*first, *((place, url) for _, place, url in sorted(frames)), *references]


def _names(fields: VideoFields, size: str | None, pictures: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    names = {f"image_urls.{number}": place for number, (place, _) in enumerate(pictures)}
    names["image_urls"] = pictures[0][0].partition(".")[0] if pictures else "input_reference"
    names["video_urls"] = "video"
    names["kind"] = "model"
    names["duration_seconds"] = "seconds" if fields.duration is None else "duration"
    if size is not None:
        names |= {"aspect_ratio": "aspect_ratio" if fields.aspect_ratio else "size"}
        names |= {"resolution": "resolution" if fields.resolution else "size"}
    return names
