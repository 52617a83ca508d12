"""The tools in the forms of OpenAI's and Anthropic's tool calling."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from agents.arguments import schema_of
from agents.tools import TOOLS, Tool


class ToolFormat(StrEnum):
    """A form of tools."""

    OPENAI = "openai"
    """OpenAI's Responses API."""
    OPENAI_CHAT = "openai-chat"
    """OpenAI's Chat Completions, and the many servers that speak it."""
    ANTHROPIC = "anthropic"
    """Anthropic's Messages API."""


def tools_in(form: ToolFormat) -> list[dict[str, Any]]:
    """The value of `tools` in a request to a model."""
    write = _WRITERS[form]
    return [write(tool) for tool in TOOLS]


def _openai(tool: Tool) -> dict[str, Any]:
    # Strict schemas require every argument; ours may be left out.
    return {"type": "function", **_function(tool), "strict": False}


def _openai_chat(tool: Tool) -> dict[str, Any]:
    return {"type": "function", "function": _function(tool)}


def _function(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": schema_of(tool.arguments)}


def _anthropic(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "input_schema": schema_of(tool.arguments)}


_WRITERS: dict[ToolFormat, Callable[[Tool], dict[str, Any]]] = {
    ToolFormat.OPENAI: _openai,
    ToolFormat.OPENAI_CHAT: _openai_chat,
    ToolFormat.ANTHROPIC: _anthropic,
}
