"""Lists the methods that a path takes, for the header Allow."""

import re
from functools import lru_cache

from fastapi import FastAPI

_PARAMETER = re.compile(r"\\{\w+\\}")


def allowed_methods(app: FastAPI, path: str, *, named: str) -> frozenset[str]:
    """The methods that a path takes. GET brings HEAD.

    Args:
        named: the header Allow by Starlette, which names only the methods of the first route. For a page, which is not
            documented, these are all.
    """
    # A fixed path comes first: `/video/generate` also has the form of `/video/{video_id}`, and is another path.
    # The last parameter of some paths holds slashes. The document does not say of which.
    documented = _fixed(app, path) or _matching(app, path, "[^/]+") or _matching(app, path, ".+")
    return documented or _with_head({name.strip() for name in named.split(",") if name.strip()})


def _fixed(app: FastAPI, path: str) -> frozenset[str]:
    return _methods(app.openapi()["paths"].get(path, {}))


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
    return _with_head({name.upper() for name in operations})


def _with_head(names: set[str]) -> frozenset[str]:
    return frozenset(names | {"HEAD"} if "GET" in names else names)
