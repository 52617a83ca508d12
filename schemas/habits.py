"""Fields that other APIs have and ours lacks, with the field that says the same here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_SHAPE = "`aspect_ratio` and `resolution` say it"
_PICTURES = "`image_urls` takes the input pictures, as a list"
_VIDEOS = "`video_urls` takes the input videos, as a list"
_LENGTH = "`duration_seconds` says it"
_RATE = "`fps` says it"
_COUNT = "each request makes one file: send more requests"
_SOUND = "`generate_audio` says it"
_FORMAT = "`output_format` says it"
_OWN = "`metadata` takes entries of your own"
_CALLBACK = "`callback_url` says it"
_NO_SETTING = "no model here takes it"
_KEY = "over HTTP the header `Idempotency-Key` says it, and over Redis `idempotency_key` beside `request`"

_GROUPS: Final[Mapping[str, str]] = {
    "size width height image_size video_size dimensions orientation": _SHAPE,
    "ratio aspect": "`aspect_ratio` says it",
    "quality definition": "`resolution` says it, where the model has a choice",
    "image image_url images image_input image_inputs input_image input_images init_image input_urls start_image "
    "start_frame first_frame first_frame_url last_frame last_frame_url end_image image_tail tail_image_url "
    "reference_image reference_images reference_image_urls": _PICTURES,
    "video video_url videos input_video video_input source_video reference_video reference_videos": _VIDEOS,
    "duration seconds length video_length length_seconds nframes n_frames": _LENGTH,
    "frames num_frames frame_count": "`duration_seconds` and `fps` say it",
    "frame_rate framerate frames_per_second": _RATE,
    "n num count batch_size num_images num_outputs num_videos number_of_images number_of_videos sample_count "
    "max_images": _COUNT,
    "sound audio_enabled enable_audio with_audio has_audio": _SOUND,
    "format file_format output_type image_format output_mime_type": _FORMAT,
    "text text_prompt prompt_text description caption input": "`prompt` says it",
    "negative exclude avoid": "`negative_prompt` says it",
    "type mode media_type task": "`kind` and `model` say it",
    "engine model_id model_name": "`model` says it",
    "style_preset": "`style` says it",
    "motion_strength motion_bucket_id": "`motion` says it, from 0 to 1",
    "prompt_extend prompt_optimizer prompt_upsampling revise_prompt": "`enhance_prompt` says it",
    "timeout deadline": "`deadline_seconds` says it",
    "schedule scheduled_at scheduled_for schedule_at start_at starts_at run_at eta delay": "`not_before` says it",
    "start_timeout queue_timeout max_wait max_queue_time": "`start_within` says it, in seconds",
    "urgency service_tier": "`priority` says it",
    "ttl expires_after expires_at lifetime": "`expires_in` says it, in seconds",
    "fallback allow_fallback": "`allow_substitution` lets a successor serve",
    "user user_id custom_id external_id external_task_id label tags extra": _OWN,
    "node node_id nodeId imageNodeId videoNodeId": "`reference` says it",
    "webhook webhook_url webhooks callback callBackUrl notify_url notify_hook": _CALLBACK,
    "stream response_format async sync_mode": "every answer comes at once and links to the file when it is ready",
    "steps num_inference_steps inference_steps cfg cfg_scale guidance guidance_scale sampler scheduler strength lora "
    "loras temperature watermark camera_control": _NO_SETTING,
    "idempotency_key idempotencyKey client_request_id": _KEY,
    "customer customer_id account_id": "over HTTP the API key says it, and over Redis `customer_id` beside `request`",
    "api_key key token": "the header `Authorization` or `X-API-Key` carries the key",
}

HABITS: Final[Mapping[str, str]] = MappingProxyType(
    {name.lower(): words for names, words in _GROUPS.items() for name in names.split()}
)
"""The words about a field that we lack, by its name in lower case."""
