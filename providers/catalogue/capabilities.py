"""The capabilities of a model, and the problems of a request that exceeds them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from schemas.enums import Kind
from schemas.errors import InvalidRequest
from schemas.inputs import Facts, Origin
from schemas.media_types import JPEG, MOV, MP4, PNG, WEBM, WEBP
from schemas.orders import GenerationRequest
from schemas.text import shown

# Nearly every vendor takes these types.
_IMAGE_TYPES = [media.content_type for media in (PNG, JPEG, WEBP)]
_VIDEO_TYPES = [media.content_type for media in (MP4, MOV, WEBM)]


class FieldProblem(TypedDict):
    """A field of a request that the model cannot serve."""

    field: str
    """The name of the field."""

    message: str
    """The problem, as a text that follows the field's name."""

    allowed: object
    """The values that the model takes: a list, or limits by name."""


class Entry(BaseModel):
    """A part of the catalogue's files. Strict: reading the files fails at a mistake."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Capabilities(Entry):
    """The values that a model takes in a request. An empty list: the model does not take the field."""

    prompt_characters: PositiveInt
    """The maximum length of a prompt."""

    prompt_unit: Literal["characters", "utf16"] = Field(
        default="characters",
        description="the unit of the limits of prompts; utf16: code units of UTF-16, of which most emoji have two",
    )
    uses_prompt: bool = Field(
        default=True, description="false: the model ignores the prompt, which requests need anyway"
    )
    negative_prompt_characters: int = Field(
        default=0, ge=0, description="maximum length of a negative prompt; 0: the model takes none"
    )
    min_images: int = Field(default=0, ge=0, description="minimum number of input images")
    max_images: int = Field(default=0, ge=0, description="maximum number of input images")
    min_videos: int = Field(default=0, ge=0, description="minimum number of input videos")
    max_videos: int = Field(default=0, ge=0, description="maximum number of input videos")
    image_types: list[str] = Field(
        default_factory=lambda fields: _IMAGE_TYPES if fields.get("max_images") else [],
        description="content types of input images that the model takes",
    )
    max_image_bytes: PositiveInt | None = Field(default=None, description="maximum size of one input image, if limited")
    video_types: list[str] = Field(
        default_factory=lambda fields: _VIDEO_TYPES if fields.get("max_videos") else [],
        description="content types of input videos that the model takes",
    )
    max_video_bytes: PositiveInt | None = Field(default=None, description="maximum size of one input video, if limited")
    continues_video: bool = Field(default=False, description="the result goes on where the input video ends")
    extends: list[str] = Field(
        default=[],
        description="models whose videos the model extends; it takes only `generation:ID` of these models",
    )
    extends_resolutions: list[str] = Field(
        default=[], description="resolutions of the videos that the model extends; empty: any"
    )
    keeps_video_length: bool = Field(
        default=False, description="the result is as long as the input video; `duration_seconds` must cover its length"
    )
    aspect_ratios: list[str] = []
    """The values of `aspect_ratio`."""

    keeps_image_shape: bool = Field(default=False, description="an input image decides the aspect ratio")
    resolutions: list[str] = []
    """The values of `resolution`."""

    durations_seconds: list[PositiveInt] = []
    """The values of `duration_seconds`."""

    output_formats: list[Literal["png", "jpeg"]] = []
    """The values of `output_format`."""

    audio: bool = Field(default=False, description="whether the model can generate sound")
    silence: bool = Field(default=True, description="whether the model can omit sound")
    frame_rates: list[PositiveInt] = Field(default=[], description="values of `fps`, where the model has a choice")
    frame_rate: float | None = Field(
        default=None, gt=0, strict=False, description="frames per second of the result, where known; the value of `fps`"
    )
    max_seed: PositiveInt | None = Field(default=None, description="the largest seed; null: the model takes no seed")
    motion: bool = Field(default=False, description="whether the model takes `motion`")
    enhance_prompt: bool = Field(default=False, description="whether the model can rewrite the prompt")
    keeps_prompt: bool = Field(default=True, description="whether the model can leave the prompt as it is")

    @property
    def audio_choices(self) -> list[bool]:
        """The values of `generate_audio`."""
        return [*([False] if self.silence else []), *([True] if self.audio else [])]

    @property
    def enhance_prompt_choices(self) -> list[bool]:
        """The values of `enhance_prompt`."""
        return [*([False] if self.keeps_prompt else []), *([True] if self.enhance_prompt else [])]

    @property
    def fps_choices(self) -> list[int]:
        """The values of `fps`: those that can be chosen, or the only one that the model delivers."""
        if self.frame_rates or self.frame_rate is None or not self.frame_rate.is_integer():
            return list(self.frame_rates)
        return [int(self.frame_rate)]

    def problems(self, request: GenerationRequest, facts: Facts) -> list[FieldProblem]:
        """Every field of a request that the model cannot serve."""
        return [
            *self._length_problems("prompt", request.prompt, self.prompt_characters),
            *self._length_problems("negative_prompt", request.negative_prompt, self.negative_prompt_characters),
            *_count_problems("image_urls", len(request.image_urls), self.min_images, self.max_images),
            *_count_problems("video_urls", len(request.video_urls), self.min_videos, self.max_videos),
            *self._file_problems(request, facts),
            *self._aspect_ratio_problems(request),
            *_choice_problems("resolution", request.resolution, self.resolutions),
            *_choice_problems("duration_seconds", request.duration_seconds, self.durations_seconds),
            *_choice_problems("fps", request.fps, self.fps_choices),
            *_choice_problems("output_format", request.output_format, self.output_formats),
            *_choice_problems("generate_audio", request.generate_audio, self.audio_choices),
            *_choice_problems("enhance_prompt", request.enhance_prompt, self.enhance_prompt_choices),
            *_seed_problems(request.seed, self.max_seed),
            *([] if request.motion is None or self.motion else [_not_taken("motion", [])]),
            *([] if request.style is None or self.uses_prompt else [_not_taken("style", [])]),
            # A generation has one file. Customers order several generations for several files.
            *_choice_problems("number_of_outputs", request.number_of_outputs, [1]),
        ]

    def _length_problems(self, field: str, text: str | None, most: int) -> list[FieldProblem]:
        is_utf16 = self.prompt_unit == "utf16"
        length = 0 if text is None else len(text.encode("utf-16-le")) // 2 if is_utf16 else len(text)
        if length <= most:
            return []
        allowed = {"max_characters": most}
        if most == 0:
            return [_not_taken(field, allowed)]
        unit = "UTF-16 code units (most emoji count as two)" if is_utf16 else "characters"
        message = f"has {length} {unit}; at most {most} are allowed"
        return [FieldProblem(field=field, message=message, allowed=allowed)]

    def _file_problems(self, request: GenerationRequest, facts: Facts) -> Iterator[FieldProblem]:
        """The problems of the input files that have facts."""
        limits = {
            Kind.IMAGE: (self.image_types, self.max_image_bytes),
            Kind.VIDEO: (self.video_types, self.max_video_bytes),
        }
        for file in request.input_files():
            types, most = limits[file.kind]
            known = facts.get(file.url)
            if self.extends and file.kind is Kind.VIDEO:
                yield from self._origin_problems(file.name, known.origin if known else None)
            if known is None and self.keeps_video_length and file.kind is Kind.VIDEO:
                # Reelworks must measure the file that the vendor gets. A web host can send each of them another file.
                message = "must be an upload (upload:ID) or a video of yours (generation:ID): its length is the price"
                yield FieldProblem(field=file.name, message=message, allowed=[])
            if known is None or not types:
                continue
            yield from _choice_problems(file.name, known.content_type, types)
            if most is not None and known.size_bytes > most:
                message = f"has {known.size_bytes} bytes; at most {most} are allowed"
                yield FieldProblem(field=file.name, message=message, allowed={"max_bytes": most})

    def _origin_problems(self, field: str, origin: Origin | None) -> Iterator[FieldProblem]:
        """The problem of a video to extend."""
        if origin is None:
            message = f"must be generation:ID of a video of {_listed(self.extends)}"
            yield FieldProblem(field=field, message=message, allowed=self.extends)
        elif origin.model not in self.extends:
            message = f"is a video of {origin.model}; must be one of {_listed(self.extends)}"
            yield FieldProblem(field=field, message=message, allowed=self.extends)
        elif self.extends_resolutions and origin.resolution not in self.extends_resolutions:
            message = f"has the resolution {origin.resolution}; must have {_listed(self.extends_resolutions)}"
            yield FieldProblem(field=field, message=message, allowed=self.extends_resolutions)

    def _aspect_ratio_problems(self, request: GenerationRequest) -> list[FieldProblem]:
        if request.aspect_ratio is not None and self.takes_shape_of(request):
            message = "is that of the picture with this model; leave it out"
            return [FieldProblem(field="aspect_ratio", message=message, allowed=[])]
        return _choice_problems("aspect_ratio", request.aspect_ratio, self.aspect_ratios)

    def takes_shape_of(self, request: GenerationRequest) -> bool:
        """Whether an input image of the request decides the aspect ratio."""
        return self.keeps_image_shape and bool(request.image_urls)


def choice_problem(field: str, value: object, choices: Iterable[object]) -> FieldProblem:
    """The problem of a value that is not among the choices."""
    allowed = list(choices)
    return FieldProblem(
        field=field, message=f"must be {_listed(allowed)}, not {shown(as_text(value))}", allowed=allowed
    )


def _listed(choices: Iterable[object]) -> str:
    return " or ".join(as_text(choice) for choice in choices)


def _not_taken(field: str, allowed: object) -> FieldProblem:
    return FieldProblem(field=field, message="is not taken by this model; leave it out", allowed=allowed)


def _choice_problems(field: str, value: object, choices: Sequence[object]) -> list[FieldProblem]:
    if value is None or value in choices:
        return []
    return [choice_problem(field, value, choices) if choices else _not_taken(field, [])]


def _seed_problems(seed: int | None, most: int | None) -> list[FieldProblem]:
    if seed is None or (most is not None and seed <= most):
        return []
    if most is None:
        return [_not_taken("seed", [])]
    return [FieldProblem(field="seed", message=f"must be 0 to {most}, not {seed}", allowed={"min": 0, "max": most})]


def _count_problems(field: str, count: int, least: int, most: int) -> list[FieldProblem]:
    if least <= count <= most:
        return []
    allowed = {"min": least, "max": most}
    if most == 0:
        return [_not_taken(field, allowed)]
    if least == most:
        message = f"has {count} URLs; exactly {most} {'is' if most == 1 else 'are'} needed"
    else:
        message = f"has {count} URLs; {f'{least} to' if least else 'at most'} {most} are allowed"
    return [FieldProblem(field=field, message=message, allowed=allowed)]


def as_text(value: object) -> str:
    """A value of a setting, as a customer writes the value."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def require_none(problems: Sequence[FieldProblem], summary: str) -> None:
    """Refuse a request with problems.

    Raises:
        InvalidRequest: there are problems.
    """
    if problems:
        wrong = "; ".join(f"{problem['field']} {problem['message']}" for problem in problems)
        raise InvalidRequest(f"{summary}: {wrong}", {"errors": list(problems)})
