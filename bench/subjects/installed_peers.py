"""Finds the peers whose packages are installed."""

import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from rich.console import Console

from bench.subjects.protocols import Infrastructure, Proxy, Subject

PEERS_ENVIRONMENT = Path(__file__).parent.parent.parent / ".venv-peers"


def peers(console: Console) -> list[Subject]:
    """The peers. Without the environment of their packages, print a line and return none."""
    if not PEERS_ENVIRONMENT.exists():
        console.print(f"[yellow]no peers[/yellow]: {PEERS_ENVIRONMENT.name} is missing", soft_wrap=True)
        return []
    # Imported by name, so that the bench runs without the folder of the peers.
    known: Sequence[Subject] = importlib.import_module("bench.peers.subjects").PEERS
    return list(known)


def litellm(infrastructure: Infrastructure) -> AbstractContextManager[Proxy]:
    """Start LiteLLM's proxy in front of the infrastructure's sandbox. The proxy ends with the block.

    Raises:
        ImportError: the folder of the peers is missing.
        StackError: the proxy is not installed, or did not start.
    """
    start: Callable[[Infrastructure], AbstractContextManager[Proxy]]
    start = importlib.import_module("bench.peers.litellm_proxy.proxy").litellm_proxy
    return start(infrastructure)
