"""Reading the input pictures and videos of an order, for vendors that do not fetch them by themselves."""

from providers.base import InputFile, ResultRequest
from providers.downloads import open_download
from schemas.enums import ErrorCode, Kind
from schemas.errors import DownloadError, ProviderRejected, ProviderUnavailable
from schemas.orders import Inputs
from schemas.settings import DownloadSettings, InputSettings


def read_inputs(inputs: Inputs, limits: InputSettings, downloads: DownloadSettings) -> dict[str, InputFile]:
    """The input files of an order by their URLs.

    Raises:
        ProviderRejected: one is not there, too large, or not what it should be.
        ProviderUnavailable: the host of one does not answer.
    """
    wanted = [
        *((f"image_urls.{number}", url, Kind.IMAGE) for number, url in enumerate(inputs.image_urls)),
        *((f"video_urls.{number}", url, Kind.VIDEO) for number, url in enumerate(inputs.video_urls)),
    ]
    most = {Kind.IMAGE: limits.max_image_bytes, Kind.VIDEO: limits.max_video_bytes}
    return {
        url: _read(field, url, kind, downloads.model_copy(update={"max_bytes": most[kind]}))
        for field, url, kind in wanted
    }


def _read(field: str, url: str, kind: Kind, settings: DownloadSettings) -> InputFile:
    try:
        with open_download(ResultRequest(url), settings, kind=kind) as download:
            return InputFile(download.read(), download.content_type)
    except DownloadError as error:
        text = f"{field} could not be read: {error.message}"
        if error.is_final or error.is_stale:
            raise ProviderRejected(text, code=ErrorCode.INPUT_UNREADABLE) from None
        raise ProviderUnavailable(text) from None
