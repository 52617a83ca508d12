"""Fill a virtual environment with exactly what lock files name: python requirements/install.py ENVIRONMENT LOCK ...

Nothing is resolved. An index is asked for the locked files alone, so a release that somebody publishes later changes
nothing. Every file must match a hash of its lock, and only wheels are taken, because building a source package would
download unlocked build tools. The environment is checked afterwards: each package finds what its metadata asks for.

The Makefile (for the benches' environments, too) and the Dockerfile run this file. It needs the standard library alone,
and an old Python can read it, so that it can say which Python is needed.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

OLDEST_PYTHON = (3, 11)
LOCKS = Path(__file__).parent
PROJECT = LOCKS.parent
PIP = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
LOCKED = ["--require-hashes", "--only-binary=:all:"]


def main() -> None:
    """Read the command line, install, and end with a line instead of a traceback."""
    options = _options()
    if sys.version_info < OLDEST_PYTHON:
        needed, found = "{}.{}".format(*OLDEST_PYTHON), sys.version.split()[0]
        sys.exit(f"Reelworks needs Python {needed} or newer; this is {found}. Try: make PYTHON=python3.12 …")
    started = time.monotonic()
    names = " and ".join(f"{lock}.txt" for lock in options.locks)
    print(f"Installing {names} into {options.environment} with {options.installer} ...", flush=True)
    try:
        _install(options)
    except subprocess.CalledProcessError as error:
        # The tool has said why, in the lines above.
        sys.exit(f"Not installed: `{Path(error.cmd[0]).name} {' '.join(error.cmd[1:])}` ended with {error.returncode}.")
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fill a virtual environment with exactly what lock files name.")
    parser.add_argument("environment", type=Path, help="the virtual environment's folder; made where it is missing")
    parser.add_argument("locks", nargs="+", metavar="LOCK", help="a file of requirements/, without .txt")
    parser.add_argument(
        "--beside",
        metavar="FILE",
        help="a file of requirements/, without .txt, with packages that have another file on each machine (torch): pip"
        " takes them from your index by version, without a hash, with the companions that they ask for",
    )
    parser.add_argument("--editable", action="store_true", help="install the project, too, as it lies in its folder")
    parser.add_argument(
        "--installer",
        choices=["uv", "pip"],
        default="uv",
        help="uv is fast and removes what no lock names; pip reads pip.conf and PIP_INDEX_URL (default: %(default)s)",
    )
    return parser.parse_args()


def _install(options: argparse.Namespace) -> None:
    python = _python_of(options.environment)
    locks = [str(LOCKS / f"{lock}.txt") for lock in options.locks]
    if options.installer == "pip":
        _run(python, *PIP, "install", "--no-deps", *LOCKED, *(f"--requirement={lock}" for lock in locks))
        _install_beside(python, options.beside)
        if options.editable:
            _run(python, *PIP, "install", "--no-deps", "--no-build-isolation", "--editable", str(PROJECT))
        _run(python, *PIP, "check")
        return

    _run(python, *PIP, "install", "--no-deps", *LOCKED, "-r", str(LOCKS / "uv.txt"))
    uv = [python, "-m", "uv", *([] if sys.stderr.isatty() else ["--quiet"]), "pip"]
    # Bytecode is made once, here: else each process of the first start makes it, all at the same time.
    locks.append(str(LOCKS / "uv.txt"))
    # `sync` would remove torch, which no lock names, and pip would have to fetch it again.
    added = ["install", "--no-deps", *(f"--requirement={lock}" for lock in locks)]
    take = added if options.beside else ["sync", *locks]
    _run(*uv, *take, "--python", python, *LOCKED, "--compile-bytecode")
    _install_beside(python, options.beside)
    if options.editable:
        _run(*uv, "install", "--python", python, "--no-deps", "--no-build-isolation", "--editable", str(PROJECT))
    _run(*uv, "check", "--python", python)


def _install_beside(python: str, requirements: "str | None") -> None:
    """Let pip install what no lock can name. Companions that a lock has named are there, so pip leaves them alone."""
    if requirements:
        print(f"Installing {requirements}.txt with pip: a download of up to some GB ...", flush=True)
        _run(python, *PIP, "install", "--only-binary=:all:", "--requirement", str(LOCKS / f"{requirements}.txt"))


def _python_of(environment: Path) -> str:
    """The interpreter of the environment, which is made again where it has another Python, is broken or half made."""
    python = str(environment / "bin" / "python")
    is_usable = f"import pip, sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    try:
        subprocess.run([python, "-c", is_usable], check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        _run(sys.executable, "-m", "venv", "--clear", str(environment))
    return python


def _run(*command: str) -> None:
    # A PYTHONPATH or PYTHONHOME of the user's would put other packages before the environment's own.
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    subprocess.run(command, check=True, env=outside)


if __name__ == "__main__":
    main()
