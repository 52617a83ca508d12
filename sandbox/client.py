"""A client of the control API. Tests and the demo use it."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Literal, Self

import httpx
from pydantic import JsonValue, TypeAdapter

from sandbox.control_models import (
    Adoption,
    CallbackOrder,
    CallbackReport,
    Health,
    Limits,
    LimitsChange,
    Peaks,
    RequestCounts,
    Restart,
    ScenarioAdded,
    TaskReport,
)
from sandbox.scenarios import Scenario

_TASKS = TypeAdapter(list[TaskReport])
_NO_LIMIT = 10**9


class SandboxClient:
    """Controls a running sandbox. Every method raises `httpx.HTTPStatusError` when the sandbox refuses a request."""

    def __init__(self, base_url: str) -> None:
        # The sandbox waits up to 15 s for the receiver of a callback.
        self._http = httpx.Client(base_url=f"{base_url.rstrip('/')}/_sandbox", timeout=100, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the sandbox."""
        self._http.close()

    def health(self) -> Health:
        """Whether the server answers."""
        return Health.model_validate_json(self._call("GET", "/health"))

    def reset(self) -> None:
        """Restore the initial state for all tests at once. Prefer scenarios that match a word in your own prompts."""
        self._call("POST", "/reset")

    def add_scenario(self, scenario: Scenario) -> str:
        """Put a scenario in force and return its id."""
        return ScenarioAdded.model_validate_json(self._call("POST", "/scenarios", body=scenario.model_dump_json())).id

    def delete_scenario(self, scenario_id: str) -> None:
        """End a scenario for new tasks."""
        self._call("DELETE", f"/scenarios/{scenario_id}")

    @contextmanager
    def scenario(self, scenario: Scenario) -> Iterator[None]:
        """Keep the scenario in force inside the `with` block."""
        scenario_id = self.add_scenario(scenario)
        try:
            yield
        finally:
            self.delete_scenario(scenario_id)

    def tasks(self, prompt_contains: str = "") -> list[TaskReport]:
        """The accepted tasks, oldest first."""
        return _TASKS.validate_json(self._call("GET", "/tasks", prompt_contains=prompt_contains))

    def finish(self, prompt_contains: str) -> None:
        """End the accepted tasks whose prompt contains the text, as if their time were over."""
        for task in self.tasks(prompt_contains):
            self._call("POST", f"/tasks/{task.task_id}/finish")

    def requests(self, prompt_contains: str = "") -> RequestCounts:
        """The numbers of creates that arrived, and of those that were accepted and refused."""
        return RequestCounts.model_validate_json(self._call("GET", "/requests", prompt_contains=prompt_contains))

    def peaks(self, prompt_contains: str = "", *, window_seconds: float = 10) -> Peaks:
        """The most accepted tasks at once, and the most creates within a span."""
        given = {"prompt_contains": prompt_contains, "window_seconds": str(window_seconds)}
        return Peaks.model_validate_json(self._call("GET", "/peaks", **given))

    def send_callback(
        self,
        task_id: str,
        *,
        signed: bool | Literal["wrong"] = True,
        body: dict[str, JsonValue] | None = None,
        url: str | None = None,
    ) -> CallbackReport:
        """Send one callback now and return the receiver's answer."""
        order = CallbackOrder(task_id=task_id, signed=signed, body=body, url=url)
        return CallbackReport.model_validate_json(self._call("POST", "/callbacks", body=order.model_dump_json()))

    def adopt(self, id_prefix: str) -> None:
        """Treat every id with this prefix as a Kie task that runs forever."""
        self._call("POST", "/adoptions", body=Adoption(id_prefix=id_prefix).model_dump_json())

    def restart(self, vendor: Literal["comfyui", "openai_videos"], *, seconds: float = 0) -> None:
        """Restart a simulated server. Every connection closes without an answer for the time."""
        self._call("POST", "/restarts", body=Restart(vendor=vendor, seconds=seconds).model_dump_json())

    def set_limits(
        self,
        *,
        creates_per_10_seconds: int | None = None,
        reads_per_second: int | None = None,
        credits_: float | None = None,
        kie_concurrency: int | None = None,
        fal_concurrency: int | None = None,
        kling_concurrency: int | None = None,
        runway_concurrency: int | None = None,
        local_concurrency: int | None = None,
    ) -> Limits:
        """Change account limits. Those without a vendor's name are Kie's. Arguments left out keep their values."""
        return self._set(
            LimitsChange(
                creates_per_10_seconds=creates_per_10_seconds,
                reads_per_second=reads_per_second,
                credits=credits_,
                kie_concurrency=kie_concurrency,
                fal_concurrency=fal_concurrency,
                kling_concurrency=kling_concurrency,
                runway_concurrency=runway_concurrency,
                local_concurrency=local_concurrency,
            )
        )

    def lift_limits(self) -> None:
        """Set all limits so high that no order meets them."""
        self._set(LimitsChange.model_validate(dict.fromkeys(LimitsChange.model_fields, _NO_LIMIT)))

    def _set(self, change: LimitsChange) -> Limits:
        return Limits.model_validate_json(self._call("PUT", "/limits", body=change.model_dump_json()))

    def _call(self, method: str, path: str, *, body: str | None = None, **query: str) -> bytes:
        answer = self._http.request(
            method,
            path,
            content=body,
            params={name: value for name, value in query.items() if value},
            headers={"Content-Type": "application/json"},
        )
        answer.raise_for_status()
        return answer.content
