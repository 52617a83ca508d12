"""The input of a create at Kie, in any family of endpoints."""

from abc import ABC, abstractmethod
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.task import JsonObject
from sandbox.validation import sentences
from sandbox.vendors.kie.errors import KieError


class KieInput(BaseModel, ABC):
    """The `input` object of a create, or the body of a create without one."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    max_image_bytes: ClassVar[int] = 10 * 1024**2
    prompt: str
    """The prompt."""

    def image_sources(self) -> tuple[str, ...]:
        """The URLs that Kie fetches before it accepts the task."""
        return ()

    @abstractmethod
    def credits(self) -> float:
        """The price at submission."""

    @abstractmethod
    def spec(self, source: SourceImage | None) -> MediaSpec:
        """The file that Kie delivers, given the first input image."""


InputT = TypeVar("InputT", bound=KieInput)


def read_as(kind: type[InputT], fields: JsonObject, *within: str) -> InputT:
    """The validated input. Raises `KieError` 422."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise KieError(422, sentences(error, *within)) from None
