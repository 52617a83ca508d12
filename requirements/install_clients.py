"""Install the npm packages of `clients/` as their lock names them, and build ours (`make clients`)."""

from pathlib import Path

import node

CLIENTS = Path(__file__).parents[1] / "clients"
TSC = CLIENTS / "node_modules" / "typescript" / "bin" / "tsc"


def main() -> None:
    """Install, build, and check the types of the tests."""
    node.install(CLIENTS)
    for package in ("ai-sdk", "js", "tests"):
        node.run(CLIENTS, TSC, "--project", package)


if __name__ == "__main__":
    main()
