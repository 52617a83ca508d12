"""Which peers there are to compare with, if their packages are installed."""

import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from rich.console import Console

from bench.subjects.protocols import Infrastructure, Proxy, Subject

PEERS_ENVIRONMENT = Path(__file__).parent.parent.parent / ".venv-peers"


def peers(console: Console) -> list[Subject]:
    """The peers; none, and a line that says so, without the environment that holds their packages."""
    if not PEERS_ENVIRONMENT.exists():
        console.print(f"[yellow]no peers[/yellow]: {PEERS_ENVIRONMENT.name} is missing", soft_wrap=True)
        return []
    # By name, so that the bench runs where the folder of the peers was left out.
    known: Sequence[Subject] = importlib.import_module("bench.peers.subjects").PEERS
    return list(known)


def litellm(infrastructure: Infrastructure) -> AbstractContextManager[Proxy]:
    """Starts LiteLLM's proxy before the infrastructure's sandbox; ended with the block.

    Raises:
        ImportError: the folder of the peers was left out.
        StackError: it is not installed, or did not start.
    """
    start: Callable[[Infrastructure], AbstractContextManager[Proxy]]
    start = importlib.import_module("bench.peers.litellm_proxy.proxy").litellm_proxy
    return start(infrastructure)
