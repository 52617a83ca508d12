"""Pin the newest versions that pyproject.toml allows, and say what changed (`make lock`).

A lock names each package for every Python and platform with the hashes of its files, and no index address.
"""

import argparse
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

LOCKS = Path(__file__).parent
PROJECT = LOCKS.parent
COMPILE = [
    *[sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"],
    *["--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links"],
]

# What torch asks for in every build. The lock leaves torch out, so the resolver does not learn these names from torch.
_FOR_TORCH = ("filelock", "fsspec>=0.8.5", "jinja2", "networkx>=2.5.1", "setuptools>=77.0.3", "sympy>=1.13.3")

# What `make test-gpu` needs.
_TESTS = ("pytest>=9.2", "pytest-timeout>=2.4")


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

    beside: str | None = None
    """The file of requirements/, without .txt, with the packages that this lock leaves out. Their files differ by
    machine."""


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
        Lock(
            "gpu",
            ("pyproject.toml",),
            lines=(*backend, *_FOR_TORCH, *_TESTS),
            extras=("gpu",),
            follows="dev",
            beside="torch",
        ),
    ]


def main() -> None:
    """Make every lock again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep pinned versions; pin only what is new")
    options = parser.parse_args()
    for lock in locks():
        path = LOCKS / f"{lock.name}.txt"
        before = pins(path)
        with TemporaryDirectory() as folder:
            _compile(lock, path, folder=Path(folder), is_upgrade=not options.keep)
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


def _compile(lock: Lock, path: Path, *, folder: Path, is_upgrade: bool) -> None:
    command = [*COMPILE, *(["--upgrade"] if is_upgrade else []), "--output-file", str(path)]
    for extra in lock.extras:
        command += ["--extra", extra]
    if lock.follows:
        command += ["--constraints", str(LOCKS / f"{lock.follows}.txt")]
    if lock.beside:
        command += ["--excludes", str(_names(LOCKS / f"{lock.beside}.txt", folder))]
    # `-` is standard input.
    command += [str(PROJECT / source) for source in lock.sources] + (["-"] if lock.lines else [])
    subprocess.run(command, check=True, input="\n".join(lock.lines), text=True, cwd=PROJECT)


def _names(requirements: Path, folder: Path) -> Path:
    """A file in `folder` with the bare names of the requirements, which the resolver leaves out."""
    names = folder / "excluded.txt"
    names.write_text("\n".join(pins(requirements)) + "\n")
    return names


def _changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [
        f"{name} {before.get(name, '(new)')} -> {after.get(name, '(gone)')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


if __name__ == "__main__":
    main()
