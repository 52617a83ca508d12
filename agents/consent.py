"""Asks the user of an MCP client for consent to a price."""

from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp_types.version import is_version_at_least

# From this version on, a question is part of the answer, and the client calls again with the reply.
_ASKS_BY_ANSWER = "2026-07-28"

_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"order": {"type": "boolean", "title": "Order it", "description": "spend the credits"}},
    "required": ["order"],
}


class NeedsConsent(Exception):
    """The question to the user, as the answer to the call."""

    def __init__(self, request: types.InputRequiredResult) -> None:
        super().__init__()
        self.request = request


def asker(
    context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
) -> Callable[[str, int], Awaitable[bool | None]]:
    """The function that asks the user, by a question and its price. It returns None if the client cannot ask.

    The price is part of the name of the question. If the price changes before the reply comes, the user is asked again.
    """

    async def ask(question: str, price: int) -> bool | None:
        if not _can_ask(context):
            return None
        form = types.ElicitRequestFormParams(message=question, requested_schema=_FORM)
        if not is_version_at_least(context.protocol_version, _ASKS_BY_ANSWER):
            try:
                return _agreed(await context.session.elicit_form(question, _FORM, context.request_id))
            except (NoBackChannelError, MCPError):
                return None
        name = f"spend_{price}"
        reply = (params.input_responses or {}).get(name)
        if isinstance(reply, types.ElicitResult):
            return _agreed(reply)
        raise NeedsConsent(types.InputRequiredResult(input_requests={name: types.ElicitRequest(params=form)}))

    return ask


def _can_ask(context: ServerRequestContext[Any, Any]) -> bool:
    capabilities = context.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    # Before there were modes, an empty capability meant forms.
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _agreed(reply: types.ElicitResult) -> bool:
    return reply.action == "accept" and bool((reply.content or {}).get("order"))
