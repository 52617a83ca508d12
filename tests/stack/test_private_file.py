import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stack.credentials import Credentials
from stack.errors import StackError
from stack.private_file import read_private, write_private

# The kill comes at the worst time: the new file exists, and its text may not be on the disk.
KILLED = """
import os, signal, sys
from pathlib import Path
from stack.private_file import write_private

os.fsync = lambda _file: os.kill(os.getpid(), signal.SIGKILL)
write_private(Path(sys.argv[1]), "new")
"""


def killed_while_writing(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("before", [None, "old"])
def test_kill_during_a_write_leaves_the_old_state(tmp_path: Path, before: str | None) -> None:
    path = tmp_path / "key"
    if before is not None:
        write_private(path, before)

    killed_while_writing(path)

    assert read_private(path) == before
    write_private(path, "newer")
    assert read_private(path) == "newer"
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


def test_only_the_current_user_can_read_the_file_under_any_umask(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("readable by all")
    before = os.umask(0)
    try:
        write_private(path, "secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_file_without_text_counts_as_absent(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    assert read_private(path) is None
    path.write_bytes(content)
    assert read_private(path) is None


@pytest.mark.parametrize("content", ["", "{", json.dumps({"postgres_password": 1})])
def test_error_names_damaged_credentials_and_keeps_the_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(content)
    with pytest.raises(StackError, match=r"credentials\.json is damaged.*remove the folder"):
        Credentials.of(tmp_path)
    assert path.read_text() == content
