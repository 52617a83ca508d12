"""Lists the methods that a path takes, for the header Allow."""

import re
from functools import lru_cache

from fastapi import FastAPI

_PARAMETER = re.compile(r"\\{\w+\\}")


def allowed_methods(app: FastAPI, path: str) -> frozenset[str]:
    """The methods of the documented operations at a path. GET brings HEAD."""
    # The last parameter of some paths holds slashes. The document does not say of which.
    return _matching(app, path, "[^/]+") or _matching(app, path, ".+")


def _matching(app: FastAPI, path: str, parameter: str) -> frozenset[str]:
    found = [methods for pattern, methods in _operations(app, parameter) if pattern.fullmatch(path)]
    return frozenset().union(*found)


@lru_cache
def _operations(app: FastAPI, parameter: str) -> list[tuple[re.Pattern[str], frozenset[str]]]:
    paths = app.openapi()["paths"]
    return [
        (re.compile(_PARAMETER.sub(parameter, re.escape(path))), _methods(operations))
        for path, operations in paths.items()
    ]


def _methods(operations: dict[str, object]) -> frozenset[str]:
    names = {name.upper() for name in operations}
    return frozenset(names | {"HEAD"} if "GET" in names else names)
