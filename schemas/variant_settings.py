"""Settings of variants of results."""

from pydantic import BaseModel, Field


class VariantSettings(BaseModel):
    """Limits of the making of variants, which runs in the decoder's processes of the role media."""

    at_once: int = Field(
        default=1, gt=0, description="variants that a worker process makes at one time: fewer than its threads"
    )
    threads: int = Field(default=2, gt=0, le=16, description="threads of the decoder and of the encoder of a variant")
    memory_bytes: int = Field(
        default=1536 * 1024**2, ge=128 * 1024**2, description="for one variant, beside `media.memory_bytes`"
    )
    seconds: int = Field(
        default=900, gt=0, description="processor time for one variant, and six times that by the clock"
    )
    max_bytes: int = Field(
        default=1024**3, gt=0, description="the largest file of a variant; the worker's disk holds one"
    )
    tries: int = Field(default=5, gt=0, description="failed tries, such as a full disk, until a variant fails")
    crashes: int = Field(default=8, gt=0, description="crashes of the worker until a variant fails")
    give_up_seconds: float = Field(
        default=6 * 3600.0,
        gt=0,
        description="for which a variant is tried again while a service of ours is away, or waits for a worker",
    )
