"""Reading the input pictures and videos of an order, for vendors that do not fetch them by themselves."""

from providers.base import InputFile, ResultRequest
from providers.downloads import open_download
from schemas.enums import ErrorCode, Kind
from schemas.errors import DownloadError, ProviderRejected, ProviderUnavailable
from schemas.inputs import InputField, upload_id
from schemas.orders import Inputs
from schemas.settings import DownloadSettings, InputSettings


def read_inputs(inputs: Inputs, limits: InputSettings, downloads: DownloadSettings) -> dict[str, InputFile]:
    """The input files of an order that lie on the web, by their URLs. Uploads are not read.

    Raises:
        ProviderRejected: one is not there, too large, or not what it should be.
        ProviderUnavailable: the host of one does not answer.
    """
    most = {Kind.IMAGE: limits.max_image_bytes, Kind.VIDEO: limits.max_video_bytes}
    return {
        file.url: _read(file, downloads.model_copy(update={"max_bytes": most[file.kind]}))
        for file in inputs.input_files()
        if upload_id(file.url) is None
    }


def _read(file: InputField, settings: DownloadSettings) -> InputFile:
    try:
        with open_download(ResultRequest(file.url), settings, kind=file.kind) as download:
            return InputFile(download.read(), download.content_type)
    except DownloadError as error:
        text = f"{file.name} could not be read: {error.message}"
        if error.is_final or error.is_stale:
            raise ProviderRejected(text, code=ErrorCode.INPUT_UNREADABLE) from None
        raise ProviderUnavailable(text) from None
