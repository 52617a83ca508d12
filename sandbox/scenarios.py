"""Misbehaviour on request: the settings of a scenario, and the choice of the scenario for a request."""

from typing import Annotated, Literal, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator

Seconds = Annotated[float, Field(ge=0)]
Times = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(_Part):
    """Selects tasks. Without a field it selects all tasks."""

    prompt_contains: str | None = Field(
        default=None, description="a word in the prompt; a test with a unique word disturbs no other test"
    )
    model: str | None = Field(default=None, description="the exact name of the vendor's model")

    def accepts(self, *, prompt: str, model: str) -> bool:
        """Whether the request's prompt and model match."""
        if self.model is not None and self.model != model:
            return False
        return self.prompt_contains is None or self.prompt_contains in prompt


class ErrorReply(_Part):
    """An error in the vendor's own form."""

    code: int = Field(description="the vendor's error code inside the JSON body")
    msg: str = Field(description="the vendor's error text inside the JSON body")
    http_status: int | None = Field(default=None, ge=200, le=599, description="null: the vendor's usual status")
    retry_after: int | None = Field(default=None, ge=0, description="seconds, sent as the Retry-After header")


class Delivered(_Part):
    """Changes to the delivered file. An absent field keeps the ordered value."""

    width: int | None = Field(default=None, ge=16, le=8192, multiple_of=2)
    """Pixels."""
    height: int | None = Field(default=None, ge=16, le=8192, multiple_of=2)
    """Pixels."""
    duration_seconds: float | None = Field(default=None, gt=0, le=60)
    """The length of a video."""
    frame_rate: float | None = Field(default=None, ge=1, le=120)
    """Frames a second of a video."""
    size_bytes: int | None = Field(
        default=None, gt=0, le=8 * 1024**3, description="pad a video to this size; a larger video stays as it is"
    )


class Scenario(_Part):
    """The treatment of the matching tasks. A field left out keeps the vendor's normal behaviour."""

    match: Match = Field(default=Match(), description="only the newest matching scenario applies")

    create_latency_seconds: Seconds = Field(default=0, description="wait before handling a create")
    create_error: ErrorReply | None = Field(default=None, description="refuse creates with this error")
    create_error_times: Times = Field(default=1, description="for the first n matching creates; later creates succeed")
    create_reply: Literal["normal", "drop", "garbage"] = Field(
        default="normal",
        description="drop: accept the task and close the connection without a reply; "
        "garbage: accept it and answer 200 with a body that is not JSON",
    )

    seconds: Seconds | None = Field(default=None, description="generation time")
    outcome: Literal["success", "fail"] = "success"
    """Whether the task ends with a result or an error."""
    fail_code: str = Field(default="500", description="the vendor's code of a failed task")
    fail_msg: str = Field(default="Internal server error", description="the vendor's text of a failed task")
    state_word: str | None = Field(
        default=None, description="always report this word as the state; the task then shows no result"
    )
    empty_result: bool = Field(default=False, description="succeed without a result URL")
    inline_result: bool = Field(
        default=False,
        description="put the file into the record in base64, where the vendor can: `gemini`, whatever "
        "the create asked for",
    )
    delivered: Delivered = Delivered()
    """Changes to the delivered file."""

    poll_error: ErrorReply | None = Field(default=None, description="answer status reads with this error")
    poll_error_times: Times = Field(default=1, description="for the first n reads of each task")
    poll_latency_seconds: Seconds = Field(default=0, description="wait before answering a status read")

    cancel: Literal["normal", "slow", "ignored"] = Field(
        default="normal",
        description="normal: a cancel stops it at once; slow: the reply still calls it running, and it stops "
        "cancel_seconds later; ignored: the reply calls it running, and it runs to its end",
    )
    cancel_seconds: Seconds = Field(default=0, description="only with cancel = slow")
    cancel_error: ErrorReply | None = Field(default=None, description="refuse cancels with this error")
    cancel_error_times: Times = Field(default=1, description="for the first n cancels of each task")

    callback: Literal["normal", "lost", "early", "late", "doubled", "forged"] = Field(
        default="normal",
        description="lost: never sent; early: sent, with the work done, before the create is answered; "
        "late: sent callback_delay_seconds after the end; doubled: twice at the same time, then once more; "
        "forged: a wrongly signed claim of success at once, and the true one at the end",
    )
    callback_delay_seconds: Seconds = Field(default=0, description="only with callback = late")

    cut_after_bytes: int | None = Field(
        default=None, ge=0, description="close the connection after this many bytes of a result's body"
    )
    cut_times: Times = Field(default=1, description="for the first n downloads of each task, including ranges")
    bytes_per_second: int | None = Field(default=None, ge=1, description="the highest speed of downloads")
    download_status: int | None = Field(default=None, ge=400, le=599, description="refuse downloads, e.g. 403")
    download_status_times: Times = Field(default=1, description="for the first n downloads of each task")
    download_body: Literal["normal", "html", "json", "empty", "half"] = Field(
        default="normal",
        description="html, json, empty: a web page, a JSON document or nothing, with the image's or the video's name "
        "and type; half: the first half of the file, without a Content-Length",
    )
    download_body_times: Times | None = Field(
        default=None, description="for the first n downloads of each task after the refused ones; null: for all"
    )
    download_encoding: Literal["identity", "gzip"] = Field(
        default="identity", description="gzip: send the whole file in gzip, whatever the request asks for"
    )

    @model_validator(mode="after")
    def _seconds_need_their_field(self) -> Self:
        if self.callback_delay_seconds and self.callback != "late":
            raise ValueError('callback_delay_seconds has an effect only with callback = "late"')
        if self.cancel_seconds and self.cancel != "slow":
            raise ValueError('cancel_seconds has an effect only with cancel = "slow"')
        return self


NORMAL = Scenario()


class ScenarioBook:
    """The scenarios in force, with the number of creates that each refused."""

    def __init__(self) -> None:
        self._scenarios: dict[str, Scenario] = {}
        self._refused: dict[str, int] = {}

    def add(self, scenario: Scenario) -> str:
        """Put a scenario in force and return its id."""
        scenario_id = uuid4().hex
        self._scenarios[scenario_id] = scenario
        self._refused[scenario_id] = 0
        return scenario_id

    def remove(self, scenario_id: str) -> bool:
        """End a scenario for future creates. Existing tasks keep it. Returns False for an unknown id."""
        self._refused.pop(scenario_id, None)
        return self._scenarios.pop(scenario_id, None) is not None

    def clear(self) -> None:
        """End all scenarios."""
        self._scenarios.clear()
        self._refused.clear()

    def match(self, *, prompt: str, model: str) -> tuple[Scenario, ErrorReply | None]:
        """The scenario of a create, and the error that refuses this create."""
        for scenario_id, scenario in reversed(self._scenarios.items()):
            if scenario.match.accepts(prompt=prompt, model=model):
                return scenario, self._next_refusal(scenario_id, scenario)
        return NORMAL, None

    def _next_refusal(self, scenario_id: str, scenario: Scenario) -> ErrorReply | None:
        if self._refused[scenario_id] >= scenario.create_error_times or scenario.create_error is None:
            return None
        self._refused[scenario_id] += 1
        return scenario.create_error
