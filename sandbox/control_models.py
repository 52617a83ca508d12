"""What the control API takes and answers."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Health(_Message):
    """The server answers."""

    status: Literal["ok"] = "ok"
    sandbox: Literal[True] = True


class ScenarioAdded(_Message):
    """A scenario is in force."""

    id: str = Field(description="for DELETE /_sandbox/scenarios/{id}")


class CallbackReport(_Message):
    """One callback that was sent, or tried."""

    kind: str = Field(description="normal, forged, or manual (asked for through this API)")
    attempt: int = Field(description="1 to 4; 2 to 4 are retries")
    at: float = Field(description="when it was sent, Unix seconds")
    status: int | None = Field(description="the receiver's HTTP status; null when it gave none")
    error: str | None = Field(description="why there is no status")


class TaskReport(_Message):
    """One accepted task."""

    task_id: str
    model: str
    prompt: str
    request: dict[str, JsonValue] = Field(description="the body of the create")
    call_back_url: str | None
    state: str = Field(
        description="waiting, queuing, generating, success, fail or cancelled; or the scenario's state_word"
    )
    created_at: float = Field(description="Unix seconds")
    completed_at: float | None = Field(description="Unix seconds; null while it is open")
    polls: int = Field(description="status reads so far")
    polled_at: float | None = Field(description="the newest status read, Unix seconds; null before the first")
    cancels: int = Field(description="requests to cancel it so far, refused ones too")
    downloads: int = Field(description="GETs of its results so far")
    callbacks: list[CallbackReport]


class RequestCounts(_Message):
    """Create requests so far."""

    accepted: int = Field(description="tasks accepted, whatever reply the client got")
    refused: int
    refused_by_code: dict[int, int] = Field(description="refusals by the vendor's error code")


class CallbackOrder(_Message):
    """A callback to send now, once, whatever the task's state."""

    task_id: str
    signed: bool | Literal["wrong"] = Field(
        default=True, description="true: as the vendor signs; false: not at all; wrong: with another key"
    )
    body: dict[str, JsonValue] | None = Field(default=None, description="instead of what the vendor would send")
    url: str | None = Field(default=None, description="instead of the task's own")


class Adoption(_Message):
    """Tasks that run, and go on running."""

    id_prefix: str = Field(
        min_length=1, description="an id that begins with this is a task; its prompt is this, once it was read"
    )


class LimitsChange(_Message):
    """New limits of the accounts: Kie's, but for the last. A field left out stays as it is."""

    creates_per_10_seconds: int | None = Field(default=None, ge=0)
    reads_per_second: int | None = Field(default=None, ge=0)
    credits: float | None = Field(default=None, ge=0, description="the account's balance")
    kling_concurrency: int | None = Field(default=None, ge=0, description="tasks that Kling works on at once")


class Limits(_Message):
    """The limits in force: Kie's, but for the last."""

    creates_per_10_seconds: int
    reads_per_second: int
    credits: float
    kling_concurrency: int
