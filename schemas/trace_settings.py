"""Settings of traces. Where spans go, and which are recorded, is in OpenTelemetry's own variables."""

import os
from importlib.util import find_spec
from typing import Final

from pydantic import BaseModel, Field, field_validator

_PACKAGES: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")

# OpenTelemetry's variables that ask for something else than we have, and what they may say.
_POSSIBLE: Final = {
    "OTEL_TRACES_EXPORTER": ("otlp", "none"),
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("http/protobuf",),
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": ("http/protobuf",),
}


class TraceSettings(BaseModel):
    """Whether this installation records traces."""

    enabled: bool = Field(default=False, description="true: each process sends its spans by OTLP over HTTP")

    @field_validator("enabled")
    @classmethod
    def _needs_the_extra(cls, enabled: bool) -> bool:
        """Refuse the switch where spans could not be sent.

        Raises:
            ValueError: a package is missing, or a variable of OpenTelemetry asks for a way that we do not have.
        """
        if not enabled:
            return enabled
        if not all(map(_is_installed, _PACKAGES)):
            raise ValueError("traces need the packages of the extra `otel`: pip install 'reelworks[otel]'")
        for name, possible in _POSSIBLE.items():
            if os.environ.get(name, possible[0]).strip().lower() not in {"", *possible}:
                raise ValueError(f"{name} must be {' or '.join(possible)}: spans go out by OTLP over HTTP only")
        return enabled


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
