"""Find Chromium and Firefox for `make test-web`, or install Debian's packages, and link the programs in a folder.

A browser needs dozens of libraries of the system, so a missing browser is installed by apt, which needs root.
`CHROMIUM=PATH` and `FIREFOX=PATH` name browsers elsewhere.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

BROWSERS = {"chromium": "chromium", "firefox": "firefox-esr"}
"""Debian's package of each browser. The package's program has the same name."""

_BY_HAND = """\
`make test-web` runs {missing}, and {reason}.
As root: apt-get install {packages}
On another system: install a current Chromium (or Chrome) and Firefox, and run
  make {target} CHROMIUM=/path/to/chromium FIREFOX=/path/to/firefox
All other commands of the Makefile work without them."""


def main() -> None:
    """Link the browsers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the links chromium and firefox will be")
    folder: Path = parser.parse_args().folder
    if missing := _missing():
        _install(missing)
    folder.mkdir(parents=True, exist_ok=True)
    for browser in BROWSERS:
        link = folder / browser
        link.unlink(missing_ok=True)
        link.symlink_to(_found(browser))


def _missing() -> list[str]:
    return [browser for browser in BROWSERS if not _found(browser)]


def _found(browser: str) -> str:
    """The path of a browser's program. Empty: the browser is not here."""
    named = os.environ.get(browser.upper())
    return shutil.which(named or BROWSERS[browser]) or ""


def _install(missing: list[str]) -> None:
    packages = [BROWSERS[browser] for browser in missing]
    if shutil.which("apt-get") is None:
        _end(missing, "apt-get is not here")
    if os.geteuid() != 0:
        _end(missing, "only root installs packages")
    install = ("install", "--yes", "--no-install-recommends", *packages)
    # A fresh machine has no lists of packages.
    if not (_apt(*install) or (_apt("update") and _apt(*install))):
        _end(missing, "apt-get did not install them: see its messages above")
    if still := _missing():
        _end(still, "the packages have no such programs")


def _apt(*arguments: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ("apt-get", "--quiet", *arguments)
    return subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode == 0


def _end(missing: list[str], reason: str) -> None:
    packages = " ".join(BROWSERS[browser] for browser in missing)
    sys.exit(_BY_HAND.format(missing=" and ".join(missing), reason=reason, packages=packages, target="test-web"))


if __name__ == "__main__":
    main()
