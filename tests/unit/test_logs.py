"""A line of the log, as a process of ours writes it to standard error."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ID = "e0065577-9f55-4781-8fcf-7f5e2a9509a6"
REQUEST_ID = "d0f350f456154b50b51b502e3b9cd2fa"
WRITES = f"""
import logging
import structlog
from schemas.logs import configure_logging
from schemas.settings import Settings
configure_logging(Settings(_env_file=None))
log = structlog.get_logger("tasks.stage")
with structlog.contextvars.bound_contextvars(generation_id="{ID}", task="generation.submit"):
    log.info("vendor_call", failure=None, status=200, path="/callbacks/kie/{ID}", request_id="{REQUEST_ID}")
    log.warning("write_refused")
    try:
        raise ValueError("{ID}")
    except ValueError:
        log.exception("stage_crashed")
uvicorn = logging.getLogger("uvicorn.error")
uvicorn.info("Started server process [%d]", 1)
uvicorn.info("Waiting for application startup.")
uvicorn.info("Uvicorn running on %s://%s:%d (Press CTRL+C to quit)", "http", "127.0.0.1", 8080)
uvicorn.info("Finished server process [%d]", 1)
logging.getLogger("kombu").warning("a library's own\\nwords...\\n")
"""


def written(tmp_path: Path, **variables: str) -> list[str]:
    """The lines of a process with these `REELWORKS_LOG_…` variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REELWORKS_")}
    settings = {f"REELWORKS_LOG_{name}": value for name, value in variables.items()}
    done = subprocess.run(
        [sys.executable, "-c", WRITES],
        env={**kept, **settings},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines()


def test_a_console_line_is_short_and_a_librarys_line_names_the_library(tmp_path: Path) -> None:
    first, second, third, *_, before_last, last = written(tmp_path, TIMESTAMPS="false")

    assert first == "vendor_call generation_id=e0065577 path=/callbacks/kie/e0065577 request_id=d0f350f4 status=200"
    assert second == "[warning] write_refused generation_id=e0065577"
    assert third == "[error] stage_crashed generation_id=e0065577"
    assert before_last == "Uvicorn running on http://127.0.0.1:8080 (Press CTRL+C to quit) [uvicorn.error]"
    assert last == "[warning] a library's own words... [kombu]"


def test_a_traceback_of_the_console_is_whole(tmp_path: Path) -> None:
    lines = written(tmp_path)
    assert f"ValueError: {ID}" in lines
    assert sum("Traceback" in line for line in lines) == 1


def test_a_console_line_begins_with_one_time(tmp_path: Path) -> None:
    first, *_ = written(tmp_path)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ vendor_call .*", first)


def test_a_json_line_keeps_the_time_the_logger_and_whole_ids(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written(tmp_path, FORMAT="json", TIMESTAMPS="false")]

    assert lines[0].pop("timestamp")
    assert lines[0] == {
        "event": "vendor_call",
        "level": "info",
        "logger": "tasks.stage",
        "generation_id": ID,
        "task": "generation.submit",
        "failure": None,
        "status": 200,
        "path": f"/callbacks/kie/{ID}",
        "request_id": REQUEST_ID,
    }
    assert [line["event"][:15] for line in lines] == [
        "vendor_call", "write_refused", "stage_crashed", "Uvicorn running", "a library's own",
    ]  # fmt: skip
