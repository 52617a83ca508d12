"""What a model takes, and what is wrong with a request that asks for something else."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from schemas.enums import Kind
from schemas.inputs import Facts, Origin
from schemas.media_types import JPEG, MOV, MP4, PNG, WEBM, WEBP
from schemas.orders import GenerationRequest

# What nearly every vendor takes.
_IMAGE_TYPES = [media.content_type for media in (PNG, JPEG, WEBP)]
_VIDEO_TYPES = [media.content_type for media in (MP4, MOV, WEBM)]


class FieldProblem(TypedDict):
    """One thing that a model cannot do, and what it can."""

    field: str
    message: str
    allowed: object


class Entry(BaseModel):
    """A part of the catalogue's file: strict, so that a slip in it is found when it is read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Capabilities(Entry):
    """What a request may ask of a model. An empty list: the model does not take that field."""

    prompt_characters: PositiveInt
    uses_prompt: bool = Field(
        default=True, description="false: every request has a prompt, but the model has no use for it"
    )
    negative_prompt_characters: int = Field(default=0, ge=0, description="0: it takes none")
    min_images: int = Field(default=0, ge=0, description="input images that it needs")
    max_images: int = Field(default=0, ge=0, description="input images that it takes")
    min_videos: int = Field(default=0, ge=0, description="input videos that it needs")
    max_videos: int = Field(default=0, ge=0, description="input videos that it takes")
    image_types: list[str] = Field(
        default_factory=lambda fields: _IMAGE_TYPES if fields.get("max_images") else [],
        description="content types of the images that it takes",
    )
    max_image_bytes: PositiveInt | None = Field(default=None, description="of one input image, where there is a limit")
    video_types: list[str] = Field(
        default_factory=lambda fields: _VIDEO_TYPES if fields.get("max_videos") else [],
        description="content types of the videos that it takes",
    )
    max_video_bytes: PositiveInt | None = Field(default=None, description="of one input video, where there is a limit")
    extends: list[str] = Field(
        default=[],
        description="models whose videos it goes on from: it takes `generation:ID` of these and nothing else",
    )
    extends_resolutions: list[str] = Field(
        default=[], description="resolutions of the videos that it goes on from; empty: any"
    )
    keeps_video_length: bool = Field(
        default=False, description="what it makes is as long as the input video, of which as many seconds are ordered"
    )
    aspect_ratios: list[str] = []
    keeps_image_shape: bool = Field(default=False, description="with a picture, the aspect ratio is the picture's")
    resolutions: list[str] = []
    durations_seconds: list[PositiveInt] = []
    output_formats: list[Literal["png", "jpeg"]] = []
    audio: bool = Field(default=False, description="whether it can make sound")
    silence: bool = Field(default=True, description="whether it can leave sound out")
    frame_rates: list[PositiveInt] = Field(default=[], description="frames a second that may be asked for")
    frame_rate: float | None = Field(
        default=None, gt=0, strict=False, description="frames a second that it delivers, where known"
    )
    max_seed: PositiveInt | None = Field(default=None, description="seeds go from 0 to this; none: it takes no seed")
    motion: bool = Field(default=False, description="whether it can be told how much is to move")
    enhance_prompt: bool = Field(default=False, description="whether it can rewrite the prompt before its work")

    @property
    def audio_choices(self) -> list[bool]:
        """What `generate_audio` may be."""
        return [*([False] if self.silence else []), *([True] if self.audio else [])]

    def problems(self, request: GenerationRequest, facts: Facts) -> list[FieldProblem]:
        """Everything that a request asks for and this cannot do."""
        return [
            *_length_problems("prompt", request.prompt, self.prompt_characters),
            *_length_problems("negative_prompt", request.negative_prompt, self.negative_prompt_characters),
            *_count_problems("image_urls", len(request.image_urls), self.min_images, self.max_images),
            *_count_problems("video_urls", len(request.video_urls), self.min_videos, self.max_videos),
            *self._file_problems(request, facts),
            *self._aspect_ratio_problems(request),
            *_choice_problems("resolution", request.resolution, self.resolutions),
            *_choice_problems("duration_seconds", request.duration_seconds, self.durations_seconds),
            *_choice_problems("fps", request.fps, self.frame_rates),
            *_choice_problems("output_format", request.output_format, self.output_formats),
            *_choice_problems("generate_audio", request.generate_audio, self.audio_choices),
            *_choice_problems("enhance_prompt", request.enhance_prompt, _switch(self.enhance_prompt)),
            *_seed_problems(request.seed, self.max_seed),
            *([] if request.motion is None or self.motion else [_not_taken("motion", [])]),
            *([] if request.style is None or self.uses_prompt else [_not_taken("style", [])]),
            # One file a generation: who wants several orders several, and each succeeds or fails by itself.
            *_choice_problems("number_of_outputs", request.number_of_outputs, [1]),
        ]

    def _file_problems(self, request: GenerationRequest, facts: Facts) -> Iterator[FieldProblem]:
        """What is wrong with the input files of which something is known."""
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
                # What was measured must be what the vendor gets, and a host may answer each in its own way.
                message = "must be an upload (upload:ID) or a video of yours (generation:ID): its length is the price"
                yield FieldProblem(field=file.name, message=message, allowed=[])
            if known is None or not types:
                continue
            yield from _choice_problems(file.name, known.content_type, types)
            if most is not None and known.size_bytes > most:
                message = f"has {known.size_bytes} bytes; at most {most} are allowed"
                yield FieldProblem(field=file.name, message=message, allowed={"max_bytes": most})

    def _origin_problems(self, field: str, origin: Origin | None) -> Iterator[FieldProblem]:
        """What is wrong with a video that is to be gone on from."""
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
        """Whether a picture of the request decides the aspect ratio."""
        return self.keeps_image_shape and bool(request.image_urls)


def choice_problem(field: str, value: object, choices: Iterable[object]) -> FieldProblem:
    """The problem of a value that is not among the choices."""
    allowed = list(choices)
    return FieldProblem(field=field, message=f"must be {_listed(allowed)}, not {_shown(value)}", allowed=allowed)


def _listed(choices: Iterable[object]) -> str:
    return " or ".join(_shown(choice) for choice in choices)


def _not_taken(field: str, allowed: object) -> FieldProblem:
    return FieldProblem(field=field, message="is not taken by this model; leave it out", allowed=allowed)


def _switch(can: bool) -> list[bool]:
    return [False, True] if can else [False]


def _choice_problems(field: str, value: object, choices: Sequence[object]) -> list[FieldProblem]:
    if value is None or value in choices:
        return []
    return [choice_problem(field, value, choices) if choices else _not_taken(field, [])]


def _length_problems(field: str, text: str | None, most: int) -> list[FieldProblem]:
    if text is None or len(text) <= most:
        return []
    allowed = {"max_characters": most}
    if most == 0:
        return [_not_taken(field, allowed)]
    message = f"has {len(text)} characters; at most {most} are allowed"
    return [FieldProblem(field=field, message=message, allowed=allowed)]


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


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
