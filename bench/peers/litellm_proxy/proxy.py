"""Runs LiteLLM's proxy after its production guide: one uvicorn worker, no debug logging, no database."""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench.peers.peer import ROOT
from bench.subjects.protocols import Door, Infrastructure
from stack.errors import StackError
from stack.ports import free_port
from stack.processes import ApplicationProcess, Process
from stack.services import ended_in_reverse

COMMAND: Final = ROOT / ".venv-litellm" / "bin" / "litellm"
_MODEL: Final = "sora-2"
# Use the packaged price table. Otherwise the proxy fetches a newer one from the internet.
_FETCHED = tuple(
    f"LITELLM_LOCAL_{table}"
    for table in ("MODEL_COST_MAP", "ANTHROPIC_BETA_HEADERS", "AUTOROUTER_PRESETS", "BLOG_POSTS", "POLICY_TEMPLATES")
)
# The import takes many seconds.
START_SECONDS = 180.0


@dataclass(frozen=True)
class RunningProxy:
    """A running proxy."""

    pid: int
    """The process id."""
    create: Door
    """The door for creates. The answer's `id` is the argument of `status_url`."""

    def status_url(self, video_id: str) -> str:
        """The URL of a video's status: GET, with the headers of `create`."""
        return f"{self.create.url}/{video_id}"


@contextmanager
def litellm_proxy(infrastructure: Infrastructure) -> Iterator[RunningProxy]:
    """Run the proxy in front of the infrastructure's sandbox until the block ends.

    The sandbox encodes a video for each create, unless a scenario says otherwise. With `outcome = "fail"` and many
    `seconds`, a create costs nothing and stays in progress.

    Raises:
        StackError: the proxy is not installed, or did not start.
    """
    if not COMMAND.exists():
        raise StackError("LiteLLM's proxy is not installed: run `make .venv-litellm/installed`")
    url, master_key = f"http://127.0.0.1:{free_port()}", f"sk-{secrets.token_hex(24)}"
    # The sandbox has one key for all vendors.
    api_key = infrastructure.settings.providers.named("kie").api_key.get_secret_value()
    configuration = infrastructure.folder / "litellm.yaml"
    infrastructure.folder.mkdir(parents=True, exist_ok=True)
    configuration.write_text(json.dumps(_configuration(infrastructure), indent=2))  # YAML is a superset of JSON
    child = ApplicationProcess(
        Process(
            "litellm",
            (str(COMMAND), "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--config", str(configuration)),
            ready_url=f"{url}/health/readiness",
        ),
        infrastructure.folder,
        {**os.environ, **environment(master_key, api_key)},
    )
    with ended_in_reverse([child]):
        child.start()
        child.wait_until_ready(START_SECONDS)
        door = Door(
            url=f"{url}/v1/videos",
            headers={"Authorization": f"Bearer {master_key}"},
            body={"model": _MODEL, "prompt": "a lighthouse in fog", "seconds": "4", "size": "1280x720"},
        )
        yield RunningProxy(pid=child.pid or 0, create=door)


def _configuration(infrastructure: Infrastructure) -> dict[str, object]:
    """Sources: https://docs.litellm.ai/docs/proxy/prod, and https://docs.litellm.ai/docs/videos for the model."""
    upstream = {
        "model": f"openai/{_MODEL}",
        "api_base": f"{infrastructure.sandbox_url}/openai_videos",
        "api_key": "os.environ/VIDEOS_API_KEY",
    }
    return {
        "model_list": [{"model_name": _MODEL, "litellm_params": upstream}],
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
        "litellm_settings": {"request_timeout": 600, "set_verbose": False, "json_logs": True},
    }


def environment(master_key: str, api_key: str) -> Mapping[str, str]:
    return {
        "LITELLM_MASTER_KEY": master_key,
        "VIDEOS_API_KEY": api_key,
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "NUM_WORKERS": "1",
        **dict.fromkeys(_FETCHED, "True"),
        "NO_PROXY": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
    }
