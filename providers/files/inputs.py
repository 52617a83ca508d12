"""Reads the input images and videos of an order, for vendors that do not fetch URLs."""

import time
from collections.abc import Callable

from providers.base import InputFile, ResultRequest
from providers.files.downloads import open_download
from schemas.enums import ErrorCode, Kind
from schemas.errors import DownloadError, SlowSource, WrongFile
from schemas.inputs import InputField, is_ours
from schemas.media_types import TAKEN
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected, ProviderUnavailable
from schemas.setting_groups import DownloadSettings, InputSettings

_LONGEST_SILENCE_SECONDS = 10.0


def read_inputs(
    inputs: Inputs, limits: InputSettings, *, seconds: float, on_chunk: Callable[[int], None] | None = None
) -> dict[str, InputFile]:
    """The input files of an order that are on the web, by URL. Skips the files in our object store.

    Args:
        seconds: the time limit for all files together. `InputSettings.read_seconds` applies too.
        on_chunk: called between chunks with the bytes received so far. An exception from it stops the reading.

    Raises:
        ProviderRejected: a file is missing, too large, too slow, or of the wrong type.
        ProviderUnavailable: the host of a file does not answer.
    """
    ends_at = time.monotonic() + min(seconds, limits.read_seconds)
    bytes_left = limits.max_total_bytes
    files: dict[str, InputFile] = {}
    for wanted in inputs.input_files():
        if is_ours(wanted.url) or wanted.url in files:
            continue
        of_kind = limits.max_image_bytes if wanted.kind is Kind.IMAGE else limits.max_video_bytes
        file = _read(wanted, limits, min(of_kind, bytes_left), ends_at, on_chunk)
        files[wanted.url] = file
        bytes_left -= len(file.content)
    return files


def _read(
    wanted: InputField, limits: InputSettings, most: int, ends_at: float, on_chunk: Callable[[int], None] | None
) -> InputFile:
    left = ends_at - time.monotonic()
    if left <= 0 or most <= 0:
        raise _refused(
            wanted, "the files before it took all the time" if most > 0 else "the files before it are too large"
        )
    settings = DownloadSettings(
        max_bytes=most,
        timeout_seconds=left,
        idle_timeout_seconds=_LONGEST_SILENCE_SECONDS,
        least_bytes_per_second=limits.least_bytes_per_second,
        allowed_private_networks=limits.allowed_private_networks,
    )
    try:
        with open_download(
            ResultRequest(wanted.url), settings, kind=wanted.kind, on_chunk=on_chunk,
            formats={media for media in TAKEN if media.kind is wanted.kind},
        ) as download:  # fmt: skip
            return InputFile(download.read(), download.content_type)
    except (WrongFile, SlowSource) as error:
        # No retry for a slow host: the wait would delay other orders.
        raise _refused(wanted, error.message) from None
    except DownloadError as error:
        if error.is_final or error.is_stale or time.monotonic() >= ends_at:
            raise _refused(wanted, error.message) from None
        raise ProviderUnavailable(f"{wanted.name} could not be read: {error.message}") from None


def _refused(wanted: InputField, reason: str) -> ProviderRejected:
    return ProviderRejected(f"{wanted.name} could not be read: {reason}", code=ErrorCode.INPUT_UNREADABLE)
