"""A package index in a folder: the locked version of every package, and a newer one that somebody has published since.

A stub wheel has the metadata of the installed package and no code. The tools that the set-up itself runs are whole
wheels, put together again from their installed files.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

# What the set-up runs: the installer, and the backend that installs the project.
TOOLS = ("hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers", "uv")


@dataclass(frozen=True)
class Pin:
    """A line of a lock file."""

    name: str
    """The package, in canonical form."""

    version: str
    """The only version that may be installed."""

    marker: Marker | None
    """Where the package is needed; None: everywhere."""

    @property
    def is_needed_here(self) -> bool:
        """Whether this Python on this platform needs the package."""
        return self.marker is None or self.marker.evaluate()


def read_pins(lock: Path) -> list[Pin]:
    """The pins of a lock file, in its order."""
    lines = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\\n]+)(?: *; *([^\\\n]+?))? *\\?$", lock.read_text(), re.MULTILINE)
    return [
        Pin(canonicalize_name(name), version, Marker(marker) if marker else None) for name, version, marker in lines
    ]


class LocalIndex:
    """A folder in the layout of the simple repository API."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hashes: dict[tuple[str, str], str] = {}

    @property
    def url(self) -> str:
        """What pip and uv are given as their index."""
        return self._folder.as_uri()

    def publish(self, pin: Pin) -> None:
        """Offer the locked version, and what came after the lock: another file of it, and a newer version."""
        if (pin.name, pin.version) in self._hashes:
            return
        folder = self._folder / pin.name
        folder.mkdir(parents=True, exist_ok=True)
        installed = _installed(pin.name)
        if pin.name in TOOLS:
            assert installed is not None
            locked = _whole(installed, folder)
        else:
            locked = _stub(folder, pin.name, pin.version, installed)
            # Installers prefer a higher build number of the same version.
            _stub(folder, pin.name, pin.version, installed, build="1")
        self._hashes[pin.name, pin.version] = _sha256(locked)
        _stub(folder, pin.name, _newer(pin.version), installed)
        wheels = sorted(folder.glob("*.whl"))
        links = (f'<a href="{wheel.name}#sha256={_sha256(wheel)}">{wheel.name}</a>' for wheel in wheels)
        (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{' '.join(links)}</body></html>")

    def rewrite(self, lock: Path) -> None:
        """Publish what the lock names, and put the hashes of these wheels into it."""
        pins = read_pins(lock)
        for pin in pins:
            self.publish(pin)
        lock.write_text("".join(self._line(pin) for pin in pins))

    def _line(self, pin: Pin) -> str:
        marker = f" ; {pin.marker}" if pin.marker else ""
        return f"{pin.name}=={pin.version}{marker} \\\n    --hash=sha256:{self._hashes[pin.name, pin.version]}\n"


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _newer(version: str) -> str:
    """A later release that every range admits which admits this one and is not pinned."""
    parsed = Version(version)
    return f"{parsed.base_version}.post{(parsed.post or 0) + 1}"


def _stub(folder: Path, name: str, version: str, installed: Distribution | None, *, build: str | None = None) -> Path:
    """A wheel without code that asks for what the installed package asks for."""
    metadata = [f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}"]
    if installed is not None:
        metadata += [f"Provides-Extra: {extra}" for extra in installed.metadata.get_all("Provides-Extra") or []]
        metadata += [f"Requires-Dist: {requirement}" for requirement in installed.requires or []]
    base = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{base}{f'-{build}' if build else ''}-py3-none-any.whl"
    members = {
        f"{base}.dist-info/METADATA": ("\n".join(metadata) + "\n").encode(),
        f"{base}.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if build:
        members[f"{base}.dist-info/WHEEL"] += f"Build: {build}\n".encode()
    _write(path, members, f"{base}.dist-info/RECORD")
    return path


def _whole(installed: Distribution, folder: Path) -> Path:
    """The wheel that an installed package came from: the same files, in a wheel's places."""
    tag = (installed.read_text("WHEEL") or "").partition("Tag: ")[2].splitlines()[0]
    base = f"{canonicalize_name(installed.name).replace('-', '_')}-{installed.version}"
    members = {}
    for file in installed.files or []:
        path = Path(str(file.locate()))
        place = file.as_posix()
        if file.suffix == ".pyc" or place.endswith(("/RECORD", "/INSTALLER", "/REQUESTED", "/direct_url.json")):
            continue
        if place.startswith(".."):
            # A script made from an entry point is made again; a program belongs to the wheel.
            if b"import" in path.read_bytes()[:400]:
                continue
            place = f"{base}.data/scripts/{file.name}"
        members[re.sub(r"^[^/]+\.dist-info/", f"{base}.dist-info/", place)] = path.read_bytes()
    wheel = folder / f"{base}-{tag}.whl"
    _write(wheel, members, f"{base}.dist-info/RECORD")
    return wheel


def _write(path: Path, members: dict[str, bytes], record: str) -> None:
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in members.items()]
    with ZipFile(path, "w", ZIP_STORED) as archive:
        for name, content in {**members, record: "\n".join([*lines, f"{record},,"]).encode()}.items():
            member = ZipInfo(name)
            member.external_attr = 0o100755 << 16  # else a program is installed without the right to run
            archive.writestr(member, content)


def _sha256(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def _digest(content: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
