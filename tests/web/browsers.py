"""The browsers that `requirements/install_browsers.py` linked."""

from pathlib import Path

_FOLDER = Path(__file__).parents[2] / ".browsers"


class NotInstalledError(Exception):
    """A browser is not here."""


def program(name: str) -> Path:
    """The path of a browser: `chromium` or `firefox`.

    Raises:
        NotInstalledError: the browser is not here.
    """
    path = _FOLDER / name
    if not path.exists():
        raise NotInstalledError(f"{path} is missing: `make test-web` finds or installs the browser")
    return path
