"""The host of fal's client in a run that starts no TLS front."""

import subprocess
import sys


def test_host_without_a_front_is_closed_at_the_end() -> None:
    command = [sys.executable, "-W", "error", "-c", "import tests.sdks.fal_host"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
