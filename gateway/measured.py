"""Counts the requests of the gateway for Prometheus: by the templates of their routes, never by their paths."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute
from starlette.types import Scope

from metrics.families import ANSWERS, REQUEST_SECONDS, REQUESTS
from metrics.labels import OTHER, ROUTE


def learn(app: FastAPI) -> None:
    """Learn the routes of the application. A path without a route is `other`."""
    ROUTE.learn(_operations(app.routes))


def count(scope: Scope, status: int | None, seconds: float) -> None:
    """Count a request after its end.

    Args:
        status: the status of the answer. None: the client left before.
    """
    route: Any = scope.get("route")
    path = template(scope)
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    operation = OTHER if path is None else f"{method} {path}"
    REQUESTS.add(operation, "none" if status is None else f"{status // 100}xx")
    if status is not None:
        ANSWERS.add(str(status))
    REQUEST_SECONDS.observe(_door(route), seconds=seconds)


def template(scope: Scope) -> str | None:
    """The path of a request's route, with names in place of its parameters. None: no route."""
    return _template(scope.get("route"))


def _door(route: Any) -> str:
    """The first tag of the route, which names its door."""
    return next(iter(map(str, getattr(route, "tags", None) or ())), OTHER)


def _template(route: Any) -> str | None:
    """The path of a route as the documents write it: without the kinds of its parameters."""
    path: str | None = getattr(route, "path_format", None)
    return path


def _operations(routes: Iterable[BaseRoute]) -> Iterator[str]:
    for route in routes:
        path = _template(route)
        if path is not None:
            for method in getattr(route, "methods", None) or ():
                yield f"{method} {path}"
        # FastAPI keeps an included router as one route.
        yield from _operations(getattr(getattr(route, "original_router", route), "routes", None) or ())
