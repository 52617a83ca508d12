"""Pin the newest versions that pyproject.toml allows, and say what changed (`make lock`).

A lock names each package for every Python and platform with the hashes of its files, and no index address.
"""

import argparse
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

LOCKS = Path(__file__).parent
PROJECT = LOCKS.parent
COMPILE = [
    *[sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"],
    *["--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links"],
]


@dataclass(frozen=True)
class Lock:
    """One lock file, and what it is made from."""

    name: str
    """The file's name in requirements/, without .txt."""

    sources: tuple[str, ...] = ()
    """Files with requirements, relative to the project's folder."""

    lines: tuple[str, ...] = ()
    """Requirements beside those of the files."""

    extras: tuple[str, ...] = ()
    """Extras of the project."""

    follows: str | None = None
    """The lock whose versions this one takes, so that a package has one version in both."""


def locks() -> list[Lock]:
    """The locks, in the order in which they are made: a lock that others follow comes first."""
    backend = tuple(tomllib.loads((PROJECT / "pyproject.toml").read_text())["build-system"]["requires"])
    return [
        Lock("dev", ("pyproject.toml",), lines=backend, extras=("local", "mcp", "otel", "top", "dev")),
        Lock("local", ("pyproject.toml",), lines=backend, extras=("local", "mcp", "top"), follows="dev"),
        Lock("run", ("pyproject.toml",), extras=("mcp", "otel", "top"), follows="dev"),
        Lock("build", lines=backend, follows="dev"),
        Lock("uv", lines=("uv",), follows="dev"),
        Lock("peers", ("bench/peers/requirements.in",), follows="dev"),
        Lock("litellm", ("bench/peers/litellm_proxy/requirements.in",)),
    ]


def main() -> None:
    """Make every lock again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep pinned versions; pin only what is new")
    options = parser.parse_args()
    for lock in locks():
        path = LOCKS / f"{lock.name}.txt"
        before = pins(path)
        _compile(lock, path, is_upgrade=not options.keep)
        after = pins(path)
        changes = _changes(before, after) if before else []
        news = f"{len(changes) or 'nothing'} changed" if before else "a new lock"
        print(f"requirements/{path.name}: {len(after)} packages, {news}", flush=True)
        for change in changes:
            print(f"  {change}")


def pins(path: Path) -> dict[str, str]:
    """The pinned versions in a lock file, by package; one with a version for each Python has them all, with markers."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if "==" in line and not line.startswith((" ", "#")):
            name, _, version = line.removesuffix("\\").strip().partition("==")
            found.setdefault(name, []).append(version)
    return {name: ", ".join(versions) for name, versions in found.items()}


def _compile(lock: Lock, path: Path, *, is_upgrade: bool) -> None:
    command = [*COMPILE, *(["--upgrade"] if is_upgrade else []), "--output-file", str(path)]
    for extra in lock.extras:
        command += ["--extra", extra]
    if lock.follows:
        command += ["--constraints", str(LOCKS / f"{lock.follows}.txt")]
    # `-` is standard input.
    command += [str(PROJECT / source) for source in lock.sources] + (["-"] if lock.lines else [])
    subprocess.run(command, check=True, input="\n".join(lock.lines), text=True, cwd=PROJECT)


def _changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [
        f"{name} {before.get(name, '(new)')} -> {after.get(name, '(gone)')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


if __name__ == "__main__":
    main()
