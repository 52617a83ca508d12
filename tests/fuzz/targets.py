"""The parsers of foreign bytes."""

from collections.abc import Mapping
from typing import Final

from tests.fuzz.answers import ANSWERS
from tests.fuzz.envelopes import ENVELOPES
from tests.fuzz.media import MEDIA
from tests.fuzz.target import Target

TARGETS: Final[Mapping[str, Target]] = {target.name: target for target in (ENVELOPES, ANSWERS, MEDIA)}
"""The parsers, by name."""
