"""Real model servers with tiny weights on this machine, for the demo and its tests. Only `.venv-gpu` has torch."""

import re
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from schemas.names import ProviderName
from schemas.setting_groups import ProviderSettings, ProvidersSettings
from schemas.settings import Settings
from stack.errors import StackError
from stack.ports import free_port
from stack.processes import Process, application_processes
from stack.wiring import with_loopback

_PROJECT: Final = Path(__file__).parents[1]
ENVIRONMENT: Final = _PROJECT / ".venv-gpu"
"""The environment with torch, which `make gpu` makes."""

HINT: Final = "the model server needs torch: run `make gpu`, or `make demo PROVIDER=local`, which does it first"

_IMPORTS_TORCH_SECONDS: Final = 240.0
_MAKE_SECONDS = 300.0
_STEPS: Final = 120
_POLL_SECONDS: Final = 0.25
# A slow answer on a busy machine is no lost server.
_LOST_AFTER_SECONDS: Final = 15
_ANSWER_SECONDS: Final = 30


@dataclass(frozen=True)
class ModelServers:
    """Model servers to start beside a stack. The first one is the account `local`."""

    weights: Path
    """The folder of the weights, with `models.toml`."""
    folder: Path
    """The folder of the servers' states."""
    ports: Sequence[int]
    """A port for each server."""
    key: str
    """The key of all servers."""

    @classmethod
    def prepare(cls, folder: Path, *, count: int = 1) -> "ModelServers":
        """Make the weights, and choose ports.

        Raises:
            StackError: there is no environment with torch, or the weights were not made.
        """
        if not (ENVIRONMENT / "installed").exists():
            raise StackError(HINT)
        weights = folder / "weights"
        made = subprocess.run(  # noqa: S603 -- our own module
            [_python(), "-m", "model_server.tiny", str(weights)],
            cwd=_PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise StackError(f"the tiny weights were not made: {made.stderr.strip()[-2000:]}")
        configuration = weights / "models.toml"
        text = configuration.read_text(encoding="utf-8")
        # More steps: time for a look at the progress, and for a cancel.
        configuration.write_text(
            re.sub(r"^steps = \d+$", f"steps = {_STEPS}", text, flags=re.MULTILINE), encoding="utf-8"
        )
        return cls(weights, folder / "model-servers", [free_port() for _ in range(count)], secrets.token_urlsafe(24))

    @property
    def names(self) -> list[ProviderName]:
        """The accounts of the servers."""
        return ["local", *(f"gpu_{number}" for number in range(2, len(self.ports) + 1))]

    def accounts(self) -> ProvidersSettings:
        """The accounts of the servers, and no others."""
        options = {"lost_after_seconds": SecretStr(str(_LOST_AFTER_SECONDS))}
        return ProvidersSettings(
            {
                name: ProviderSettings(
                    adapter="local",
                    base_url=f"http://127.0.0.1:{port}",
                    api_key=SecretStr(self.key),
                    options=options,
                    timeout_seconds=_ANSWER_SECONDS,
                )
                for name, port in zip(self.names, self.ports, strict=True)
            }
        )

    def wired(self, settings: Settings) -> Settings:
        """The settings of a system whose only accounts are these servers. Work is read often, for its progress."""
        pipeline = settings.pipeline.model_copy(
            update={
                "poll_first_seconds": _POLL_SECONDS,
                "poll_cap_seconds": _POLL_SECONDS,
                "poll_by_usual_times": False,
            }
        )
        inputs, results = settings.inputs.allowed_private_networks, settings.downloads.allowed_private_networks
        return settings.model_copy(
            update={
                "providers": self.accounts(),
                "pipeline": pipeline,
                "inputs": settings.inputs.model_copy(update=with_loopback(inputs)),
                "downloads": settings.downloads.model_copy(update=with_loopback(results)),
            }
        )

    def processes(self, settings: Settings) -> list[Process]:
        """The processes of the system, with the servers first."""
        servers = [
            Process(
                f"model-server-{name}",
                (
                    *(_python(), "-P", "-m", "cli", "model-server", "--config", str(self.weights / "models.toml")),
                    *("--port", str(port), "--state", str(self.folder / name)),
                ),
                {"MODEL_SERVER_API_KEY": self.key},
                f"http://127.0.0.1:{port}/health",
                start_seconds=_IMPORTS_TORCH_SECONDS,
            )
            for name, port in zip(self.names, self.ports, strict=True)
        ]
        return [*servers, *application_processes(settings)]


def _python() -> str:
    return str(ENVIRONMENT / "bin" / "python")
