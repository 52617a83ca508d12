"""Routers that a request passes quickly."""

from functools import cached_property

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope


class PrefixRouter(APIRouter):
    """A router that tries its routes only for a path that begins as one of them.

    FastAPI asks every router and tries every route, one after the other. That took half of the time of a small request.
    """

    @cached_property
    def _beginnings(self) -> tuple[str, ...]:
        """The beginnings of the routes' paths, up to the first parameter. Read after the last route is added."""
        return tuple({route.path.partition("{")[0] if isinstance(route, APIRoute) else "" for route in self.routes})

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a route serves the request."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return super().matches(scope) if path.startswith(self._beginnings) else (Match.NONE, {})
