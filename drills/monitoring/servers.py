"""Prometheus and Alertmanager as children of this process, and the questions of tests and drawings.

`requirements/install_prometheus.py` unpacks their programs. Prometheus runs with the configuration of `ops/prometheus`
and reads the metrics every second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from stack.child import Child
from stack.ports import free_port

OPS: Final = Path(__file__).parents[2] / "ops" / "prometheus"
"""The configuration and the rules that the project ships."""

_HOST: Final = "127.0.0.1"
_INSTALLED: Final = Path(__file__).parents[2] / ".prometheus"
_EVERY: Final = "1s"
_ANSWER_SECONDS: Final = 60.0
# Without an address, the receiver gets no message: tests ask for the alerts.
_RECEIVERS: Final = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}


class NotInstalledError(Exception):
    """A program is not here."""


def program(name: str) -> str:
    """The path of a program: `prometheus`, `promtool` or `prometheus-alertmanager`.

    Raises:
        NotInstalledError: the program is not here.
    """
    path = _INSTALLED / "usr" / "bin" / name
    if not path.is_file():
        raise NotInstalledError(f"{path} is missing: `make alerts` and `make panels` install it")
    return str(path)


@dataclass(frozen=True)
class Series:
    """A series of an answer."""

    labels: Mapping[str, str]
    """The labels."""
    points: Sequence[tuple[float, float]]
    """Times and values. One, if a moment was asked for."""


class _Server(Child):
    """A server with a port on loopback that tells whether it is ready."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, log=folder / f"{name}.log")
        self.folder = folder
        self.address = f"{_HOST}:{free_port()}"

    def answers(self) -> bool:
        """Whether the server is ready."""
        try:
            return self.alive() and self._get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def _get(self, path: str, **query: str | float) -> httpx.Response:
        return httpx.get(f"http://{self.address}{path}", params=query, timeout=_ANSWER_SECONDS, trust_env=False)


class Alertmanager(_Server):
    """Alertmanager. It sends no messages."""

    def __init__(self, folder: Path) -> None:
        super().__init__("alertmanager", folder)

    def prepare(self) -> None:
        """Write the configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "alertmanager.yml").write_text(yaml.safe_dump(_RECEIVERS))

    def command(self) -> Sequence[str]:
        """The command line."""
        return [
            # Its templates lie below the folder in which it runs.
            *("env", "--chdir", str(_INSTALLED)),
            program("prometheus-alertmanager"),
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'alertmanager'}",
            f"--web.listen-address={self.address}",
            # No peers.
            "--cluster.listen-address=",
            "--log.level=warn",
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that fire, as Prometheus has reported them."""
        found: list[dict[str, Any]] = self._get("/api/v2/alerts", active="true").raise_for_status().json()
        return found


class Prometheus(_Server):
    """Prometheus with the shipped configuration, which reads the processes of a system every second."""

    def __init__(self, folder: Path, *, targets: Path, rules: Path | None = None, alerts_to: str | None = None) -> None:
        """Describe the server.

        Args:
            targets: the folder in which the processes list themselves (`REELWORKS_METRICS__TARGETS_FOLDER`).
            rules: the file of the rules. None: those that the project ships.
            alerts_to: the address of Alertmanager. None: alerts stay here.
        """
        super().__init__("prometheus", folder)
        self._targets, self._rules, self._alerts_to = targets, rules or OPS / "alerts.yml", alerts_to

    def prepare(self) -> None:
        """Write the shipped configuration with the addresses and times of this run."""
        configuration = yaml.safe_load((OPS / "prometheus.yml").read_text())
        configuration["global"] = {"scrape_interval": _EVERY, "evaluation_interval": _EVERY, "scrape_timeout": _EVERY}
        configuration["rule_files"] = [str(self._rules)]
        configuration["alerting"] = {
            "alertmanagers": [{"static_configs": [{"targets": [self._alerts_to]}]}] if self._alerts_to else []
        }
        (job,) = configuration["scrape_configs"]
        job["file_sd_configs"] = [{"files": [str(self._targets / "*.json")], "refresh_interval": _EVERY}]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))

    def command(self) -> Sequence[str]:
        """The command line."""
        return [
            program("prometheus"),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ]

    def query(self, expression: str) -> list[Series]:
        """The series of an expression now.

        Raises:
            httpx.HTTPStatusError: the expression is wrong.
        """
        return [
            Series(one["metric"], _points([one["value"]])) for one in self._data("query", query=expression)["result"]
        ]

    def query_range(self, expression: str, *, start: float, end: float, step: float) -> list[Series]:
        """The series of an expression over a time.

        Raises:
            httpx.HTTPStatusError: the expression is wrong.
        """
        data = self._data("query_range", query=expression, start=start, end=end, step=step)
        return [Series(one["metric"], _points(one["values"])) for one in data["result"]]

    def rules(self) -> list[dict[str, Any]]:
        """The rules with their states."""
        groups: list[dict[str, Any]] = self._data("rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def exemplars(self, expression: str, *, start: float, end: float) -> list[dict[str, Any]]:
        """The exemplars of the series of an expression."""
        found = self._data("query_exemplars", query=expression, start=start, end=end)
        return [exemplar for series in found for exemplar in series["exemplars"]]

    def _data(self, name: str, **query: str | float) -> Any:
        return self._get(f"/api/v1/{name}", **query).raise_for_status().json()["data"]


def _points(raw: Sequence[tuple[float, str]]) -> list[tuple[float, float]]:
    return [(moment, float(value)) for moment, value in raw]
