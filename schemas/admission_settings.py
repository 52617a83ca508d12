"""Settings of the admission to provider accounts."""

from pydantic import BaseModel, Field


class AdmissionSettings(BaseModel):
    """How generations wait for a place at a provider account. All times are seconds."""

    longest_wait_seconds: float = Field(
        default=7 * 86_400.0, gt=0, description="a generation that waits longer for its provider account fails"
    )
    low_waits_seconds: float = Field(
        default=3600.0, gt=0, description="work of low priority takes turns like all other work after this"
    )
    spent_retry_seconds: float = Field(
        default=300.0,
        gt=0,
        description="an account that is out of money, or of generations of the day, gets one create after this",
    )
    grants_at_once: int = Field(default=20, gt=0, description="the most generations that one decision lets go")
    breaker_failures: int = Field(
        default=5,
        gt=0,
        description="so many failures, and half of a route's newest calls, open its circuit breaker",
    )
    breaker_pause_seconds: float = Field(
        default=5.0, gt=0, description="the first pause of an open breaker; each failed probe doubles the pause"
    )
    breaker_longest_pause_seconds: float = Field(default=60.0, gt=0, description="the longest pause of an open breaker")
