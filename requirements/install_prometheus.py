"""Unpack Debian's Prometheus and Alertmanager into a folder, for `make alerts` and `make panels`.

Nothing is installed, and the script needs no root: `apt-get download` fetches the packages, `dpkg-deb` unpacks them.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGES = ("prometheus", "prometheus-alertmanager")
PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager")

# Alertmanager reads its templates below a path of the system, where only root may put them. The path without its first
# slash is as long, and leads from the folder in which Alertmanager runs.
_TEMPLATES = b"/usr/share/prometheus/alertmanager"

_NO_APT = """\
`make alerts` and `make panels` run Debian's packages {packages}, and {tool} is not here.
Use Debian or a system made from Debian, or put the programs {programs} into {folder}/usr/bin yourself
and `touch {folder}/installed`. All other commands of the Makefile work without them."""


def main() -> None:
    """Fetch the packages and unpack them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where usr/bin/prometheus will be")
    folder: Path = parser.parse_args().folder
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            names = {"packages": " and ".join(PACKAGES), "programs": ", ".join(PROGRAMS)}
            sys.exit(_NO_APT.format(tool=tool, folder=folder, **names))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with TemporaryDirectory() as place:
        _fetch(Path(place))
        for package in Path(place).glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)  # noqa: S607 -- found above
    missing = [name for name in PROGRAMS if not (folder / "usr" / "bin" / name).is_file()]
    if missing:
        sys.exit(f"Debian's packages have no {', '.join(missing)}")
    alertmanager = folder / "usr" / "bin" / "prometheus-alertmanager"
    alertmanager.write_bytes(alertmanager.read_bytes().replace(_TEMPLATES, _TEMPLATES.removeprefix(b"/") + b"/"))


def _fetch(place: Path) -> None:
    """Download the packages into a folder."""
    # Root may give downloads to another user, who cannot write into this folder.
    download = ["apt-get", "--quiet", "-o", "APT::Sandbox::User=root"]
    if _succeeds(*download, "download", *PACKAGES, folder=place):
        return
    # A fresh machine has no lists of packages. Lists of our own need no root.
    own = ["-o", f"Dir::State::Lists={place}/lists", "-o", f"Dir::Cache={place}/cache"]
    for part in ("lists/partial", "cache/archives/partial"):
        (place / part).mkdir(parents=True)
    for command in (["update"], ["download", *PACKAGES]):
        if not _succeeds(*download, *own, *command, folder=place):
            sys.exit(f"apt-get found no {' and '.join(PACKAGES)}: see its messages above")


def _succeeds(*command: str, folder: Path) -> bool:
    return subprocess.run(command, cwd=folder, check=False).returncode == 0


if __name__ == "__main__":
    main()
