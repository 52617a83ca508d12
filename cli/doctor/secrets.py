"""Checks the secrets of the configuration, and the files that hold them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cli.doctor.findings import Finding, error, ok, warning
from schemas.reach import Reach, reach_of
from schemas.settings import DEVELOPMENT_SECRET, Settings
from stack.running import environment_file

_PUBLISHED = "development-only"
_SHORTEST = 32
_KNOWN = frozenset({"minioadmin", "guest", "password", "postgres", "reelworks", "changeme", "admin"})
_MAKE = "make one with `openssl rand -hex 32`, and restart every process"


def checks(settings: Settings) -> Iterator[Finding]:
    """The secrets, and their files."""
    yield from known_secrets(settings)
    yield from files(settings)


def known_secrets(settings: Settings) -> Iterator[Finding]:
    """Whether a secret is one that everybody knows."""
    bad = [name for name, secret in _secrets(settings).items() if _is_known(secret)]
    is_open = settings.environment == "production" or reach_of(settings.public_url) is not Reach.MACHINE
    if bad:
        make = error if is_open else warning
        yield make("secrets", f"{', '.join(bad)}: the value is public knowledge", _MAKE)
    elif len(settings.secret_key.get_secret_value()) < _SHORTEST:
        yield warning("secrets", f"REELWORKS_SECRET_KEY has fewer than {_SHORTEST} characters", _MAKE)
    else:
        yield ok("secrets", "no secret is a default or an example")


def _secrets(settings: Settings) -> dict[str, str]:
    """The secrets that are set, by variable."""
    found = {
        "REELWORKS_SECRET_KEY": settings.secret_key.get_secret_value(),
        "REELWORKS_DATABASE_URL (its password)": _password(settings.database_url),
        "REELWORKS_REDIS_URL (its password)": _password(settings.redis_url),
        "REELWORKS_S3__SECRET_KEY": settings.s3.secret_key.get_secret_value(),
        "REELWORKS_FLOWER_BASIC_AUTH (its password)": settings.flower_basic_auth.get_secret_value().partition(":")[2],
    }
    return {name: secret for name, secret in found.items() if secret}


def _password(url: str) -> str:
    return urlsplit(url).password or ""


def _is_known(secret: str) -> bool:
    return secret.lower() in _KNOWN or secret == DEVELOPMENT_SECRET or _PUBLISHED in secret


def files(settings: Settings) -> Iterator[Finding]:
    """Whether other users of this machine can read or change the files with secrets."""
    named = [Path(str(Settings.model_config.get("env_file"))), environment_file(settings.data_folder)]
    for path in (path.absolute() for path in named if path.is_file()):
        mode = stat.S_IMODE(path.stat().st_mode)
        check, remedy = f"file {path}", f"chmod 600 {path}"
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            yield error(check, f"other users can change its settings (mode {mode:o})", remedy)
        elif mode & (stat.S_IRGRP | stat.S_IROTH):
            make = error if settings.environment == "production" else warning
            yield make(check, f"other users can read its secrets (mode {mode:o})", remedy)
        else:
            yield ok(check, f"only {_owner(path)} can read it")


def _owner(path: Path) -> str:
    return "its owner" if path.stat().st_uid != os.getuid() else "you"
