"""The fields of an order."""

from typing import TypedDict


class Order(TypedDict, total=False):
    """The fields of an order beside the prompt. Fields that are left out take the defaults of the model."""

    model: str
    """A name or an alias of a model, or of a family. Left out: the first model of the `kind`."""
    kind: str
    """`image` or `video`. Needed without a `model`."""
    allow_substitution: bool
    """Whether the successor of a paused or retired model may serve."""
    style: str
    """A look of the model."""
    image_urls: list[str]
    """Input pictures: `https://…`, `upload:ID` (the `url` of an upload), `generation:ID` or `data:` URIs."""
    video_urls: list[str]
    """Input videos, in the same forms."""
    aspect_ratio: str
    """Such as `16:9`."""
    resolution: str
    """Such as `1K` or `720p`."""
    output_format: str
    """The format of an image, such as `png`."""
    duration_seconds: int
    """The length of a video."""
    fps: int
    """Frames in a second."""
    generate_audio: bool
    """Whether a video has sound."""
    negative_prompt: str
    """Contents to avoid."""
    seed: int
    """The same seed and order may give a similar result."""
    motion: float
    """The amount of motion, 0 to 1."""
    enhance_prompt: bool
    """Whether the model may rewrite the prompt."""
    preview: bool
    """Whether to make a picture of a video's first frame; `continue_preview` then makes the video."""
    priority: str
    """`low`, `normal` or `high`: which of your own orders go first where a provider is busy."""
    not_before: str
    """The earliest start, such as `2026-11-01T08:00:00Z`."""
    start_within: int
    """Seconds to the start, after which the generation fails and the credits come back."""
    deadline_seconds: int
    """Seconds after which the generation fails and the credits come back."""
    expires_in: int
    """Seconds from the end until the files are deleted."""
    reference: str
    """Your id of the thing that the result is for."""
    metadata: dict[str, str]
    """Up to 16 entries of your own. Answers and events repeat them."""
    callback_url: str
    """An address that gets a webhook at the end."""
    variants: list[str | dict[str, object]]
    """Further forms of the result, at no cost: a kind, such as `web`, or an object with kind, name and sizes."""


class Outputs(Order, total=False):
    """The fields of an order of several results from one prompt."""

    number_of_outputs: int
    """1 to 10."""


class Item(Outputs, total=False):
    """An order of a batch."""

    prompt: str
    """The description."""


class Filters(TypedDict, total=False):
    """The filters of a list of generations. A generation must meet all of them."""

    status: str | list[str]
    """One status, or several."""
    stage: str | list[str]
    """One stage, or several."""
    kind: str
    """`image` or `video`."""
    model: str
    """The model that serves."""
    batch_id: str
    """The batch."""
    created_from: str
    """Accepted at this time or later, such as `2026-11-01T00:00:00Z`."""
    created_before: str
    """Accepted earlier."""
    metadata_key: str
    """A key of `metadata`, with `metadata_value`."""
    metadata_value: str
    """The value of that key."""
    q: str
    """Words of the prompt."""
    limit: int
    """The size of a page, 1 to 100."""
