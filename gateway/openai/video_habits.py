"""Fields that other APIs have and video orders of OpenAI's dialect lack, with the field that says the same here."""

from collections.abc import Mapping
from typing import Final

from schemas.habits import HABITS

_GROUPS: Final[Mapping[str, str]] = {
    "width height image_size video_size dimensions orientation": "`size` says it",
    "ratio aspect": "`aspect_ratio` says it",
    "duration_seconds length video_length length_seconds frames num_frames frame_count": "`seconds` says it",
    "image image_url image_urls images image_input input_image input_images init_image input_urls start_image "
    "start_frame first_frame first_frame_url": "`input_reference` takes the first picture",
    "last_frame last_frame_url end_image image_tail tail_image_url": "`frame_images` takes the last picture",
    "reference_image reference_images reference_image_urls": "`input_references` takes pictures",
    "video_url video_urls videos input_video source_video": "POST /openai/v1/videos/edits takes a `video`",
    "audio sound audio_enabled enable_audio with_audio has_audio": "`generate_audio` says it",
}

VIDEO_HABITS: Final[Mapping[str, str]] = {
    **HABITS,
    **{name: words for names, words in _GROUPS.items() for name in names.split()},
}
"""The words about a field, by its name in lower case."""
