"""Runway in the sandbox: the creates of other makers' image models.

Field names, values and limits are those of Runway's own client, https://github.com/runwayml/sdk-python (5.24.0).
"""

from abc import ABC
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from sandbox.media import MediaSpec
from sandbox.vendors.runway.creates import Part, RunwayCreate
from sandbox.vendors.runway.inputs import InputUri

_LONGEST_SIDE_OF_1K = 1400


class _Image(RunwayCreate, ABC):
    prompt: str = Field(alias="promptText", min_length=1)
    ratio: str
    count: Literal[1] = Field(default=1, alias="outputCount")

    def spec(self) -> MediaSpec:
        width, height = self.size
        return MediaSpec(format="png", width=width, height=height)


class Picture(Part):
    """A picture in `referenceImages`. These models know no tags."""

    uri: InputUri


class _FromReferences(_Image):
    seed: None = None
    references: list[Picture] = Field(default=[], alias="referenceImages", max_length=10)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(reference.uri for reference in self.references)


class _WithFormat(_FromReferences):
    format: Literal["png", "jpeg"] = Field(default="png", alias="outputFormat")

    def spec(self) -> MediaSpec:
        width, height = self.size
        return MediaSpec(format="png" if self.format == "png" else "jpg", width=width, height=height)


class Seedream5Pro(_WithFormat):
    """`seedream5_pro` of `/v1/text_to_image`."""

    model: Literal["seedream5_pro"]
    prompt: str = Field(alias="promptText", min_length=1, max_length=4000)
    ratio: Literal[
        "1024:1024", "1184:896", "896:1184", "1376:768", "768:1376", "1296:864", "864:1296", "2048:2048", "2304:1728",
        "1728:2304", "2720:1530", "1530:2720", "2496:1664", "1664:2496",
    ]  # fmt: skip
    grounding: bool = False

    @property
    def credits(self) -> int:
        return 5 if max(self.size) < _LONGEST_SIDE_OF_1K else 9


class Seedream5Lite(_WithFormat):
    """`seedream5_lite` of `/v1/text_to_image`."""

    model: Literal["seedream5_lite"]
    prompt: str = Field(alias="promptText", min_length=1, max_length=4000)
    ratio: Literal[
        "2048:2048", "2304:1728", "1728:2304", "2848:1600", "1600:2848", "2496:1664", "1664:2496", "3136:1344",
        "3072:3072", "3456:2592", "2592:3456", "4096:2304", "2304:4096", "3744:2496", "2496:3744", "4704:2016",
    ]  # fmt: skip
    grounding: bool = False

    @property
    def credits(self) -> int:
        return 4


class MuseImage(_WithFormat):
    """`muse_image` of `/v1/text_to_image`."""

    model: Literal["muse_image"]
    prompt: str = Field(alias="promptText", min_length=1, max_length=4000)
    ratio: Literal[
        "2352:1008", "2016:1152", "1920:1280", "1792:1344", "1600:1600", "1344:1792", "1280:1920", "1152:2016",
    ]  # fmt: skip

    @property
    def credits(self) -> int:
        return 1


class GrokImagineImage2(_FromReferences):
    """`grok_imagine_image_2` of `/v1/text_to_image`."""

    model: Literal["grok_imagine_image_2"]
    ratio: Literal[
        "1024:1024", "1280:720", "720:1280", "1152:864", "864:1152", "1248:832", "832:1248", "1248:576", "576:1248",
        "1280:576", "576:1280", "1408:704", "704:1408", "2048:2048", "2816:1584", "1584:2816", "2368:1776",
        "1776:2368", "2496:1664", "1664:2496", "2912:1344", "1344:2912", "3200:1440", "1440:3200", "2912:1456",
        "1456:2912",
    ]  # fmt: skip
    edit: bool = False
    quality: Literal["low", "medium"] = "medium"
    references: list[Picture] = Field(default=[], alias="referenceImages", max_length=3)

    @property
    def credits(self) -> int:
        small, large = {"low": (4, 6), "medium": (6, 8)}[self.quality]
        return (small if max(self.size) <= _LONGEST_SIDE_OF_1K else large) + len(self.references)


class Ideogram4(_FromReferences):
    """`ideogram_4_0` of `/v1/text_to_image`."""

    model: Literal["ideogram_4_0"]
    ratio: Literal[
        "2048:2048", "2560:1440", "1440:2560", "2304:1728", "1728:2304", "2496:1664", "1664:2496", "3072:1280",
        "1280:3072",
    ] = "2048:2048"  # fmt: skip
    quality: Literal["low", "medium", "high"] = "medium"
    references: list[Picture] = Field(default=[], alias="referenceImages", max_length=1)

    @property
    def credits(self) -> int:
        return {"low": 4, "medium": 7, "high": 11}[self.quality]


class Ideogram45(_FromReferences):
    """`ideogram_4_5` of `/v1/text_to_image`."""

    model: Literal["ideogram_4_5"]
    ratio: Literal[
        "1024:1024", "1280:720", "720:1280", "1152:864", "864:1152", "1248:832", "832:1248", "1120:896", "896:1120",
        "1440:720", "720:1440", "2048:2048", "2560:1440", "1440:2560", "2304:1728", "1728:2304", "2496:1664",
        "1664:2496", "2240:1792", "1792:2240", "2880:1440", "1440:2880",
    ] = "2048:2048"  # fmt: skip
    quality: Literal["very_low", "low", "medium", "high"] = "medium"
    mask: InputUri | None = Field(default=None, alias="maskUri")
    precise: bool = Field(default=False, alias="preciseEdit")
    references: list[Picture] = Field(default=[], alias="referenceImages", max_length=5)

    @property
    def credits(self) -> int:
        return {"very_low": 1, "low": 4, "medium": 8, "high": 25}[self.quality]


class Recraft41Flash(_Image):
    """`recraft_v4_1_flash` of `/v1/text_to_image`. Runway publishes no price: this one is the sandbox's own."""

    model: Literal["recraft_v4_1_flash"]
    ratio: Literal[
        "1024:1024", "1536:768", "768:1536", "1280:832", "832:1280", "1216:896", "896:1216", "1152:896", "896:1152",
        "832:1344", "1280:896", "896:1280", "1344:768", "768:1344",
    ]  # fmt: skip
    background: str | None = Field(default=None, alias="backgroundColor")
    colors: list[str] = Field(default=[])
    format: Literal["png"] = Field(default="png", alias="outputFormat", description="the sandbox makes only this")

    @property
    def credits(self) -> int:
        return 4


CREATES: Final[Mapping[str, type[RunwayCreate]]] = {
    "text_to_image/seedream5_pro": Seedream5Pro,
    "text_to_image/seedream5_lite": Seedream5Lite,
    "text_to_image/muse_image": MuseImage,
    "text_to_image/grok_imagine_image_2": GrokImagineImage2,
    "text_to_image/ideogram_4_0": Ideogram4,
    "text_to_image/ideogram_4_5": Ideogram45,
    "text_to_image/recraft_v4_1_flash": Recraft41Flash,
}
