"""Runs LiteLLM's proxy as its page on production advises: one uvicorn worker, no debug logging, no database."""

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

_COMMAND: Final = ROOT / ".venv-litellm" / "bin" / "litellm"
_MODEL: Final = "sora-2"
# What came with the package does: otherwise it fetches newer tables from the internet.
_FETCHED = tuple(
    f"LITELLM_LOCAL_{table}"
    for table in ("MODEL_COST_MAP", "ANTHROPIC_BETA_HEADERS", "AUTOROUTER_PRESETS", "BLOG_POSTS", "POLICY_TEMPLATES")
)
# It imports for many seconds.
_START_SECONDS = 180.0


@dataclass(frozen=True)
class RunningProxy:
    """The proxy, up."""

    pid: int
    create: Door
    """How a video is created. The answer's `id` names it for `status_url`."""

    def status_url(self, video_id: str) -> str:
        """Where the status of a video is read, with GET and the headers of `create`."""
        return f"{self.create.url}/{video_id}"


@contextmanager
def litellm_proxy(infrastructure: Infrastructure) -> Iterator[RunningProxy]:
    """The proxy before the infrastructure's sandbox; ended with the block.

    The sandbox encodes a video for each create, unless a scenario says otherwise: with `outcome = "fail"` and many
    `seconds`, a create costs it nothing and stays in progress.

    Raises:
        StackError: it is not installed, or did not start.
    """
    if not _COMMAND.exists():
        raise StackError("LiteLLM's proxy is not installed: run `make .venv-litellm/installed`")
    url, master_key = f"http://127.0.0.1:{free_port()}", f"sk-{secrets.token_hex(24)}"
    # The sandbox has one key for all its vendors.
    api_key = infrastructure.settings.providers.named("kie").api_key.get_secret_value()
    configuration = infrastructure.folder / "litellm.yaml"
    infrastructure.folder.mkdir(parents=True, exist_ok=True)
    configuration.write_text(json.dumps(_configuration(infrastructure), indent=2))  # JSON is YAML
    child = ApplicationProcess(
        Process(
            "litellm",
            (str(_COMMAND), "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--config", str(configuration)),
            ready_url=f"{url}/health/readiness",
        ),
        infrastructure.folder,
        {**os.environ, **_environment(master_key, api_key)},
    )
    with ended_in_reverse([child]):
        child.start()
        child.wait_until_ready(_START_SECONDS)
        door = Door(
            url=f"{url}/v1/videos",
            headers={"Authorization": f"Bearer {master_key}"},
            body={"model": _MODEL, "prompt": "a lighthouse in fog", "seconds": "4", "size": "1280x720"},
        )
        yield RunningProxy(pid=child.pid or 0, create=door)


def _configuration(infrastructure: Infrastructure) -> dict[str, object]:
    """https://docs.litellm.ai/docs/proxy/prod, with https://docs.litellm.ai/docs/videos for the model."""
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


def _environment(master_key: str, api_key: str) -> Mapping[str, str]:
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
