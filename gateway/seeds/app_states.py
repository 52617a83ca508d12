"""A stored generation in the form of `/api/video`."""

from gateway.public_links import PublicLinks
from gateway.seeds.app_forms import VideoState
from gateway.seeds.app_stages import stage_word, status_word
from notify.resources import generation_resource
from schemas.api import GenerationInputs, GenerationResource
from schemas.enums import AssetRole, Status
from schemas.setting_groups import RetentionSettings
from schemas.tables import Asset
from schemas.words import MOTIONS
from storage import assets
from storage.details import Details

_MILLISECONDS = 1000


def video_state(details: Details, retention: RetentionSettings, links: PublicLinks) -> VideoState:
    """The state of a video.

    Args:
        links: makes the links that work without a key.
    """
    resource = generation_resource(details, retention)
    kept = {asset.role: asset for asset in details.assets if assets.gone_at(asset, retention) is None}
    result, poster = kept.get(AssetRole.RESULT), kept.get(AssetRole.POSTER)
    is_completed = resource.status is Status.COMPLETED
    return VideoState.model_validate(
        {
            "id": resource.id,
            "status": status_word(resource.status, resource.progress),
            "progress": resource.progress,
            "current_stage": stage_word(resource.status, resource.progress),
            "error_message": _error_message(resource),
            "error_code": resource.error and resource.error.code,
            "video_url": _link(result, links) if is_completed else None,
            "thumbnail_url": _link(poster, links) if is_completed else None,
            **_settings(resource.inputs),
            "provider": resource.provider,
            "model": resource.model,
            **_file(result, resource.inputs),
            "created_at": resource.created_at,
            "started_at": resource.started_at,
            "completed_at": resource.finished_at if is_completed else None,
            "downloads": resource.downloads,
            "rating": resource.rating,
            "credits_used": resource.credits.held + resource.credits.captured,
            "render_time_ms": _milliseconds(resource.render_seconds),
            "reference": resource.reference,
        }
    )


def _settings(inputs: GenerationInputs) -> dict[str, object]:
    return {
        "prompt": inputs.prompt,
        "duration": inputs.duration_seconds,
        "aspect_ratio": inputs.aspect_ratio,
        "resolution": inputs.resolution,
        "style": inputs.style,
        "motion_intensity": _motion_word(inputs.motion),
        "seed": inputs.seed,
    }


def _file(result: Asset | None, inputs: GenerationInputs) -> dict[str, object]:
    """The facts of the stored video. The frame rate is the ordered one until there is a video."""
    return {
        "frame_rate": (result and result.frame_rate) or inputs.fps,
        "width": result and result.width,
        "height": result and result.height,
        "codec": result and result.codec,
        "bitrate": result and result.bit_rate,
        "file_size": result and result.size_bytes,
    }


def _link(asset: Asset | None, links: PublicLinks) -> str | None:
    return None if asset is None else links.of(asset)


def _error_message(resource: GenerationResource) -> str | None:
    """What the end means to the person who asked for the video, with the reason."""
    if resource.outcome is None:
        return None
    reason = "" if resource.error is None else f" ({resource.error.message})"
    refund = "" if resource.outcome.charged else " Credits refunded."
    return f"{resource.outcome.message}{reason}{refund}"


def _motion_word(motion: float | None) -> str | None:
    """The word with the nearest value."""
    return None if motion is None else min(MOTIONS, key=lambda word: abs(MOTIONS[word] - motion))


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * _MILLISECONDS)
