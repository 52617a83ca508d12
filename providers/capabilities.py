"""What a model takes, and what is wrong with a request that asks for something else."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from schemas.orders import GenerationRequest


class Problem(TypedDict):
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
    aspect_ratios: list[str] = []
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

    def problems(self, request: GenerationRequest) -> list[Problem]:
        """Everything that a request asks for and this cannot do."""
        return [
            *_length_problems("prompt", request.prompt, self.prompt_characters),
            *_length_problems("negative_prompt", request.negative_prompt, self.negative_prompt_characters),
            *_count_problems("image_urls", len(request.image_urls), self.min_images, self.max_images),
            *_count_problems("video_urls", len(request.video_urls), self.min_videos, self.max_videos),
            *_choice_problems("aspect_ratio", request.aspect_ratio, self.aspect_ratios),
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


def choice_problem(field: str, value: object, choices: Iterable[object]) -> Problem:
    """The problem of a value that is not among the choices."""
    allowed = list(choices)
    wanted = " or ".join(_shown(choice) for choice in allowed)
    return Problem(field=field, message=f"must be {wanted}, not {_shown(value)}", allowed=allowed)


def _not_taken(field: str, allowed: object) -> Problem:
    return Problem(field=field, message="is not taken by this model; leave it out", allowed=allowed)


def _switch(can: bool) -> list[bool]:
    return [False, True] if can else [False]


def _choice_problems(field: str, value: object, choices: Sequence[object]) -> list[Problem]:
    if value is None or value in choices:
        return []
    return [choice_problem(field, value, choices) if choices else _not_taken(field, [])]


def _length_problems(field: str, text: str | None, most: int) -> list[Problem]:
    if text is None or len(text) <= most:
        return []
    allowed = {"max_characters": most}
    if most == 0:
        return [_not_taken(field, allowed)]
    message = f"has {len(text)} characters; at most {most} are allowed"
    return [Problem(field=field, message=message, allowed=allowed)]


def _seed_problems(seed: int | None, most: int | None) -> list[Problem]:
    if seed is None or (most is not None and seed <= most):
        return []
    if most is None:
        return [_not_taken("seed", [])]
    return [Problem(field="seed", message=f"must be 0 to {most}, not {seed}", allowed={"min": 0, "max": most})]


def _count_problems(field: str, count: int, least: int, most: int) -> list[Problem]:
    if least <= count <= most:
        return []
    allowed = {"min": least, "max": most}
    if most == 0:
        return [_not_taken(field, allowed)]
    if least == most:
        message = f"has {count} URLs; exactly {most} {'is' if most == 1 else 'are'} needed"
    else:
        message = f"has {count} URLs; {f'{least} to' if least else 'at most'} {most} are allowed"
    return [Problem(field=field, message=message, allowed=allowed)]


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
