"""The requests by which an order is made again: the same once more, or the video of a preview."""

from typing import Final
from uuid import UUID

from schemas.enums import Kind
from schemas.inputs import generation_url
from schemas.orders import GenerationRequest, Order, PlannedVideo

FIRST_FRAME: Final = generation_url(UUID(int=0))
"""Stands for the picture in the order of a video whose preview is not made yet. No generation has this id."""

_KEPT = {"kind", "model", "start_within", "expires_in", "reference", "metadata", "callback_url"}


def request_of(order: Order) -> GenerationRequest:
    """The request for the same once more. The prompt contains the text of the style already.

    Of a preview: the request for its picture.
    """
    inputs = order.inputs.model_dump(exclude={"style", "audio"})
    # The deadline of a model is that of today.
    rest = order.model_dump(include=_KEPT | ({"deadline_seconds"} if order.counts_from_acceptance else set()))
    # Not validated again: limits of a request do not hold for a prompt with a style.
    return GenerationRequest.model_construct(
        **inputs, **rest, variants=order.variants, generate_audio=order.inputs.audio, priority=order.priority.word
    )


def video_request_of(preview: Order, video: PlannedVideo, picture: str) -> GenerationRequest:
    """The request for the video of a preview.

    Args:
        picture: the input URL of the preview's picture, or `FIRST_FRAME`.
    """
    inputs = video.inputs.model_copy(update={"image_urls": [picture]})
    changes = {"kind": Kind.VIDEO, "model": video.model, "inputs": inputs, "variants": video.variants}
    return request_of(preview.model_copy(update=changes))


def named_as(again: Order, first: Order) -> Order:
    """A new order with the names that its customer used for the model and for the style."""
    inputs = again.inputs.model_copy(update={"style": first.inputs.style})
    return again.model_copy(update={"inputs": inputs, "requested_model": first.requested_model})


def planned(video: Order, text_to_video: str) -> PlannedVideo:
    """What a preview keeps of the order of its video.

    Args:
        text_to_video: the model that the preview was ordered with.
    """
    inputs = video.inputs.model_copy(update={"image_urls": []})
    return PlannedVideo(
        model=video.model, text_to_video=text_to_video, inputs=inputs, credits=video.credits, variants=video.variants
    )
