"""A customer's request for several generations, and the single requests that it means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.orders import LARGEST_SEED, GenerationRequest, WholeNumber
from schemas.text import Prose

MOST_GENERATIONS = 100
"""The most generations of one batch."""


@dataclass(frozen=True)
class Part:
    """One generation of a batch."""

    request: GenerationRequest
    """A request for one output."""
    place: str = ""
    """The place in the batch, such as `requests.3`. Empty: the whole body is the request."""

    def name_of(self, field: str) -> str:
        """The name of a field of the request, as seen from the batch."""
        return f"{self.place}.{field}" if self.place else field


class BatchTemplate(GenerationRequest):
    """A request that a batch repeats with other prompts or seeds."""

    prompt: Prose = Field(
        default="", description="left out where the batch has `prompts`", min_length=1, max_length=20_000
    )


_Prompt = Annotated[Prose, Field(min_length=1, max_length=20_000)]
_Seed = Annotated[WholeNumber, Field(ge=0, le=LARGEST_SEED)]


class BatchRequest(BaseModel):
    """Several requests, or one `request` with several `prompts` or `seeds`."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {"request": {"model": "nano-banana"}, "prompts": ["a lighthouse in fog", "a lighthouse at night"]},
                {
                    "requests": [
                        {"model": "nano-banana", "prompt": "a lighthouse in fog"},
                        {"model": "kling-2.6-text-to-video", "prompt": "a paper boat", "duration_seconds": 5},
                    ]
                },
            ]
        },
    )

    requests: list[GenerationRequest] = Field(
        default=[], description="the requests, each with its own fields", max_length=MOST_GENERATIONS
    )
    request: BatchTemplate | None = Field(
        default=None, description="instead of `requests`: the fields that all generations share"
    )
    prompts: list[_Prompt] = Field(
        default=[], description="a generation of `request` for each prompt", max_length=MOST_GENERATIONS
    )
    seeds: list[_Seed] = Field(
        default=[], description="a generation of `request` for each seed", max_length=MOST_GENERATIONS
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if bool(self.requests) == (self.request is not None):
            raise ValueError("needs either `requests`, or `request` with `prompts` or `seeds`")
        if self.requests and (self.prompts or self.seeds):
            raise ValueError("`prompts` and `seeds` belong to `request`, not to `requests`")
        if self.prompts and self.seeds:
            raise ValueError("takes `prompts` or `seeds`, not both: list the combinations in `requests`")
        if self.request is not None:
            self._check_template(self.request)
        count = sum(one.number_of_outputs for one, _ in self._repeated())
        if count > MOST_GENERATIONS:
            raise ValueError(f"may have up to {MOST_GENERATIONS} generations, and this one has {count}")
        return self

    def _check_template(self, request: BatchTemplate) -> None:
        if self.prompts and request.prompt:
            raise ValueError("has a prompt in `request` and in `prompts`: leave one out")
        if not self.prompts and not request.prompt:
            raise ValueError("has no prompt: name one in `request`, or several in `prompts`")
        if self.seeds and request.seed is not None:
            raise ValueError("has a seed in `request` and in `seeds`: leave one out")
        if any(not prompt.strip() for prompt in self.prompts):
            raise ValueError("has a blank prompt in `prompts`")

    def _repeated(self) -> Iterator[tuple[GenerationRequest, str]]:
        """Each request with its place."""
        if self.request is None:
            yield from ((one, f"requests.{number}") for number, one in enumerate(self.requests))
        elif self.prompts:
            for number, prompt in enumerate(self.prompts):
                yield self.request.model_copy(update={"prompt": prompt}), f"prompts.{number}"
        elif self.seeds:
            for number, seed in enumerate(self.seeds):
                yield self.request.model_copy(update={"seed": seed}), f"seeds.{number}"
        else:
            yield self.request, "request"

    def parts(self) -> Sequence[Part]:
        """The generations, in the order of the requests."""
        return [part for request, place in self._repeated() for part in parts_of(request, place)]


def parts_of(request: GenerationRequest, place: str = "") -> Sequence[Part]:
    """A generation for each of a request's outputs. With a seed, each output has the next seed."""
    count = request.number_of_outputs
    one = request.model_copy(update={"number_of_outputs": 1})
    if request.seed is None or count == 1:
        return [Part(one, place)] * count
    seeds = ((request.seed + number) % (LARGEST_SEED + 1) for number in range(count))
    return [Part(one.model_copy(update={"seed": seed}), place) for seed in seeds]
