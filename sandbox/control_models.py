"""The requests and answers of the control API."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Health(_Message):
    """The answer of a running server."""

    status: Literal["ok"] = "ok"
    """Always `ok`."""
    sandbox: Literal[True] = True
    """Always true."""


class ScenarioAdded(_Message):
    """A scenario is in force."""

    id: str = Field(description="the id for DELETE /_sandbox/scenarios/{id}")


class CallbackReport(_Message):
    """An attempt to send a callback."""

    kind: str = Field(description="normal, forged, or manual (asked for through this API)")
    attempt: int = Field(description="number of the attempt, 1 to 4; 2 to 4 are retries")
    at: float = Field(description="when it was sent, Unix seconds")
    status: int | None = Field(description="the receiver's HTTP status; null without an answer")
    error: str | None = Field(description="the reason for a missing status")


class TaskReport(_Message):
    """One accepted task."""

    task_id: str
    """The vendor's id of the task."""
    model: str
    """The vendor's name of the model."""
    prompt: str
    """The prompt of the create."""
    request: dict[str, JsonValue] = Field(description="the body of the create")
    call_back_url: str | None
    """The URL of the callback's receiver."""
    state: str = Field(
        description="waiting, queuing, generating, success, fail or cancelled; or the scenario's state_word"
    )
    created_at: float = Field(description="Unix seconds")
    completed_at: float | None = Field(description="Unix seconds; null while the task is open")
    polls: int = Field(description="status reads so far")
    polled_at: float | None = Field(description="time of the newest status read, Unix seconds; null before the first")
    cancels: int = Field(description="cancel requests so far, including refused ones")
    downloads: int = Field(description="downloads of the results so far")
    callbacks: list[CallbackReport]
    """The attempts to send callbacks, oldest first."""


class RequestCounts(_Message):
    """Counts of create requests."""

    arrived: int = Field(description="creates that arrived, including those that wait for their answer")
    accepted: int = Field(description="accepted tasks, including those whose reply was lost")
    refused: int
    """Refused creates."""
    refused_by_code: dict[int, int] = Field(description="refusals by the vendor's error code")


class Peaks(_Message):
    """The most that there was at once, of accepted tasks."""

    in_flight: int = Field(description="tasks that were accepted and had not ended")
    creates_in_window: int = Field(description="accepted creates within any span of `window_seconds`")


class CallbackOrder(_Message):
    """A callback to send now, once, in any state of the task."""

    task_id: str
    """The vendor's id of the task."""
    signed: bool | Literal["wrong"] = Field(
        default=True, description="true: signed as the vendor signs; false: unsigned; wrong: signed with another key"
    )
    body: dict[str, JsonValue] | None = Field(default=None, description="replaces the vendor's own body")
    url: str | None = Field(default=None, description="replaces the task's own callback URL")


class Adoption(_Message):
    """A prefix of task ids. The sandbox treats such tasks as running forever."""

    id_prefix: str = Field(
        min_length=1, description="ids with this prefix are tasks; a read makes the prefix their prompt"
    )


class Restart(_Message):
    """A restart of a simulated server that keeps its work in memory."""

    vendor: Literal["comfyui", "openai_videos"]
    """The server."""
    seconds: float = Field(default=0, ge=0, description="for which `comfyui` closes every connection unanswered")


class LimitsChange(_Message):
    """New limits of the accounts. Those without a vendor's name are Kie's. A field left out keeps its value."""

    creates_per_10_seconds: int | None = Field(default=None, ge=0)
    """Creates that Kie accepts in 10 s."""
    reads_per_second: int | None = Field(default=None, ge=0)
    """Status reads that Kie accepts in a second."""
    credits: float | None = Field(default=None, ge=0, description="the account's balance")
    kie_concurrency: int | None = Field(default=None, ge=0, description="tasks that Kie runs at once")
    fal_concurrency: int | None = Field(default=None, ge=0, description="requests that fal runs at once")
    kling_concurrency: int | None = Field(default=None, ge=0, description="tasks that Kling runs at once")
    runway_concurrency: int | None = Field(default=None, ge=0, description="tasks of a model that Runway runs at once")
    local_concurrency: int | None = Field(default=None, ge=0, description="jobs that the model server runs at once")


class Limits(_Message):
    """The limits in force. Those without a vendor's name are Kie's."""

    creates_per_10_seconds: int
    """Creates that Kie accepts in 10 s."""
    reads_per_second: int
    """Status reads that Kie accepts in a second."""
    credits: float
    """Kie's balance."""
    kie_concurrency: int
    """Tasks that Kie runs at once."""
    fal_concurrency: int
    """Requests that fal runs at once."""
    kling_concurrency: int
    """Tasks that Kling runs at once."""
    runway_concurrency: int
    """Tasks of a model that Runway runs at once."""
    local_concurrency: int
    """Jobs that the model server runs at once."""
