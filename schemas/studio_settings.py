"""The settings of the Studio page."""

from datetime import timedelta

from pydantic import BaseModel, Field


class StudioSettings(BaseModel):
    """The sign-in on the Studio page at /studio. `REELWORKS_DOORS_OFF=["studio"]` switches the page off."""

    session_idle_hours: float = Field(
        default=12.0, ge=0.1, le=24 * 365, description="without use, after which a sign-in ends"
    )
    session_days: float = Field(
        default=30.0, gt=0, le=365, description="after which a sign-in ends, however often it is used"
    )
    cookie_path: str = Field(
        default="/",
        pattern=r"^/([A-Za-z0-9._~-]+/)*$",
        description="the path of the gateway on its host, for the session's cookie: /media/ behind a proxy that takes "
        "the prefix off",
    )

    development_sign_in: bool = Field(
        default=False,
        description="a person at the machine needs no key; `reelworks up` sets this. Never set it where others "
        "reach the gateway",
    )

    @property
    def idle(self) -> timedelta:
        """The time without use after which a session ends."""
        return timedelta(hours=self.session_idle_hours)

    @property
    def longest(self) -> timedelta:
        """The time after which a session ends, however often it is used."""
        return timedelta(days=self.session_days)
