"""The vendors whose accounts the bench fills, with their real limits."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from sandbox.scenarios import Delivered
from schemas.limits import AccountLimits, CreateRate, FamilyLimits
from schemas.names import ProviderName
from schemas.settings import Settings

_PICTURE = Delivered(width=64, height=64)
_CLIP = Delivered(width=64, height=64, duration_seconds=1, frame_rate=8)


@dataclass(frozen=True)
class Vendor:
    """A vendor, the model that the run orders there, and the limit that the run meets first."""

    name: ProviderName
    """The account."""
    order: Mapping[str, JsonValue]
    """The request, without its prompt."""
    delivered: Delivered
    """Small files: two cores run everything."""
    limits: AccountLimits
    """The limits of the account, as the operator sets them."""
    places: int
    """The limit that is met first: so many at once."""
    work_seconds: float
    """The mean time at the vendor, unless the command names another."""
    window_seconds: float | None = None
    """A create holds its place for so long, where the limit is one of creates. None: until the work is done."""

    def a_second(self, work_seconds: float) -> float:
        """The most orders a second."""
        return self.places / (self.window_seconds or work_seconds)

    def settings(self) -> Settings:
        """The default settings with the limits of this account."""
        settings = Settings(_env_file=None)
        account = settings.providers.named(self.name).model_copy(update={"limits": self.limits})
        return settings.model_copy(update={"providers": settings.providers.with_accounts(**{self.name: account})})


VENDORS: Mapping[str, Vendor] = {
    each.name: each
    for each in (
        Vendor(
            name="kie",
            order={"model": "nano-banana"},
            delivered=_PICTURE,
            limits=AccountLimits(in_flight=100, creates=[CreateRate(most=20, seconds=10)]),
            places=20,
            work_seconds=10,
            window_seconds=10,
        ),
        Vendor(
            name="runway",
            order={"model": "gen-4-image", "aspect_ratio": "1:1"},
            delivered=_PICTURE,
            limits=AccountLimits(families={"gen4_image": FamilyLimits(models=["*gen4_image"], in_flight=20)}),
            places=20,
            work_seconds=5,
        ),
        Vendor(
            name="fal",
            order={"model": "pika-2.2-text-to-video", "aspect_ratio": "1:1", "duration_seconds": 5},
            delivered=_CLIP,
            limits=AccountLimits(in_flight=40),
            places=40,
            work_seconds=10,
        ),
    )
}
