"""The tools for agents: one definition for MCP and for the tool calling of chat APIs."""
