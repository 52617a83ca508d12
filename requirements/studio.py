"""Install, check and build the page of `studio/` (`make studio`). The built files lie in `gateway/studio_page`."""

import argparse
import filecmp
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import node

ROOT = Path(__file__).parents[1]
STUDIO = ROOT / "studio"
BUILT = ROOT / "gateway" / "studio_page"
_MODULES = STUDIO / "node_modules"

_TYPES = (
    _MODULES / "openapi-typescript" / "bin" / "cli.js",
    "../docs/openapi.json",
    *("--output", "src/api/openapi.ts", "--root-types", "--root-types-no-schema-prefix"),
)
_TSC = (_MODULES / "typescript" / "bin" / "tsc", "--noEmit")
_VITEST = (_MODULES / "vitest" / "vitest.mjs", "run")
_VITE = (_MODULES / "vite" / "bin" / "vite.js",)


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("install", "build", "check", "serve"))
    {"install": _install, "build": _build, "check": _check, "serve": _serve}[parser.parse_args().step]()


def _install() -> None:
    node.install(STUDIO)


def _build() -> None:
    node.run(STUDIO, *_TYPES)
    node.run(STUDIO, *_TSC)
    node.run(STUDIO, *_VITE, "build")


def _check() -> None:
    """Check the types, run the unit tests, and compare the built files with a new build."""
    node.run(STUDIO, *_TYPES)
    node.run(STUDIO, *_TSC)
    node.run(STUDIO, *_VITEST)
    with TemporaryDirectory() as place:
        node.run(STUDIO, *_VITE, "build", "--outDir", place, "--logLevel", "warn")
        if differing := _differing(Path(place)):
            sys.exit(f"gateway/studio_page is not what studio/ builds ({', '.join(differing)}): run `make studio`")


def _differing(built: Path) -> list[str]:
    names = {str(file.relative_to(folder)) for folder in (built, BUILT) for file in folder.rglob("*") if file.is_file()}
    return sorted(filecmp.cmpfiles(built, BUILT, names, shallow=False)[1] + filecmp.cmpfiles(built, BUILT, names)[2])


def _serve() -> None:
    """Serve the page from its source, beside a gateway that runs (`make up`)."""
    node.run(STUDIO, *_TYPES)
    node.run(STUDIO, *_VITE)


if __name__ == "__main__":
    main()
