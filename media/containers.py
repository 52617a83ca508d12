"""Opens a file with FFmpeg."""

from collections.abc import Mapping
from typing import BinaryIO

import av
from av.container import InputContainer

from schemas.media_types import MediaType


def open_container(file: BinaryIO, media: MediaType, options: Mapping[str, str]) -> InputContainer:
    """The file as a container, read from its beginning.

    Raises:
        FFmpegError: the file is damaged, or is of another format.
    """
    file.seek(0)
    # No protocols: FFmpeg must not open URLs or files that this file names.
    every = {"protocol_whitelist": "none", **options}
    # The texts in a file, such as its title, may have any encoding. Nothing here reads the texts.
    return av.open(file, "r", format=media.demuxer, options=every, metadata_errors="replace")
