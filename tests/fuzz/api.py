"""Runs schemathesis against a gateway: every check of the tool, over the whole OpenAPI document."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel

_CONFIG = """
[auth.wfc]
path = {people}
user = "owner"
peers = ["owner", "stranger"]

# The tool's own list, and three more: the credits may not suffice, a model may be retired, and whether a model takes a
# value is more than a schema can say.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 429, "5xx", 402, 410, 422]

# These doors answer 400 where `/v1` answers 422.
[[operations]]
include-path-regex = "^/(openai|api|video|image)/"

[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 429, "5xx", 402, 410, 422]
"""


@dataclass(frozen=True)
class Operation:
    """What the requests of an operation need to get in, and what nothing in the document tells."""

    path: str
    """The path in the document."""
    parameters: Mapping[str, str | int]
    """Values that most requests use, by parameter ("path.provider")."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of each request."""


@dataclass(frozen=True)
class Api:
    """A gateway to test."""

    url: str
    """The gateway's address."""
    owner: str
    """The API key of the customer who sends the requests."""
    stranger: str
    """The API key of a customer who must not see anything of the owner's."""
    operations: Sequence[Operation]
    """The operations that need values which the document does not tell."""


class Cases(BaseModel):
    """The number of requests."""

    generated: int
    """All requests."""
    with_failures: int
    """The requests that failed a check."""


class Report(BaseModel):
    """The tool's report."""

    exit_code: int
    """0: no failure and no error."""
    test_cases: Cases
    """The requests."""
    failures: list[Any]
    """The failed checks."""
    errors: list[Any]
    """The errors of the tool."""
    valid_rates: dict[str, dict[str, dict[str, int]]]
    """The numbers of requests by operation, by phase, and by the kind of their answer ("accepted")."""

    @property
    def reached(self) -> set[str]:
        """The operations that accepted a request, such as "GET /v1/me"."""
        accepted = {
            name: sum(phase["accepted"] for phase in phases.values()) for name, phases in self.valid_rates.items()
        }
        return {name for name, count in accepted.items() if count}


@dataclass(frozen=True)
class Outcome:
    """The end of a run."""

    report: Report
    """The report."""
    text: str
    """The tool's text for people, with a command that repeats each failure."""


def run(api: Api, folder: Path, *options: str) -> Outcome:
    """Test a gateway. `options` are further arguments of `schemathesis run`; `folder` is for its files."""
    (folder / "people.json").write_text(json.dumps(_people(api)))
    (folder / "schemathesis.toml").write_text(_config(api, folder))
    tool = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    settings = ["--config-file", str(folder / "schemathesis.toml")]
    report = folder / "report.json"
    # The health checks of the tool depend on the speed of the machine, and shorter failures take minutes.
    steady = ["--no-color", "--no-shrink", "--suppress-health-check", "all", "--generation-database", "none"]
    # The tool waits for ten seconds of its own accord, which a busy machine may need for the document.
    document = folder / "openapi.json"
    document.write_bytes(httpx.get(f"{api.url}/openapi.json", timeout=100, trust_env=False).raise_for_status().content)
    steady += ["--request-timeout", "100"]
    arguments = ["run", str(document), "--url", api.url, "--checks", "all", "--continue-on-failure", *steady]
    ended = subprocess.run(
        [*tool, *settings, *arguments, "--report", "json", "--report-json-path", str(report), *options],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    text = ended.stdout + ended.stderr
    assert report.exists(), text
    return Outcome(Report.model_validate_json(report.read_bytes()), text)


def _people(api: Api) -> dict[str, object]:
    """The two customers, each with one of the two headers that carry a key."""
    headers = {
        "owner": {"name": "Authorization", "value": f"Bearer {api.owner}"},
        "stranger": {"name": "X-API-Key", "value": api.stranger},
    }
    return {"auth": [{"name": name, "fixedHeaders": [header]} for name, header in headers.items()]}


def _config(api: Api, folder: Path) -> str:
    # A JSON string is a TOML string.
    text = _CONFIG.format(people=json.dumps(str(folder / "people.json")))
    for operation in api.operations:
        text += f"\n[[operations]]\ninclude-path = {json.dumps(operation.path)}\n"
        # The tool knows the type of a body, and sends the headers of its first operation with all others, too.
        headers = {name: value for name, value in operation.headers.items() if name != "Content-Type"}
        text += f"headers = {_table(headers)}\n[operations.parameters]\n"
        for parameter in operation.parameters:
            name = f"{operation.path} {parameter}"
            text += f"{json.dumps(parameter)} = {{ dictionary = {json.dumps(name)}, probability = 0.9 }}\n"
    text += "".join(
        f"\n[dictionaries.{json.dumps(f'{operation.path} {parameter}')}]\nvalues = [{json.dumps(value)}]\n"
        for operation in api.operations
        for parameter, value in operation.parameters.items()
    )
    return text


def _table(values: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in values.items()) + " }"
