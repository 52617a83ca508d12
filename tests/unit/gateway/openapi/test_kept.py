"""The OpenAPI document in the repository, and the changes since the last release.

A release copies docs/openapi.json to docs/openapi-released.json.
"""

import json
import os
from pathlib import Path
from typing import Any

from api_gateway import create_app
from tests.support import clean_settings
from tests.unit.gateway.openapi.changes import breaking

KEPT = Path("docs/openapi.json")
RELEASED = Path("docs/openapi-released.json")

# Breaking changes that the next release makes on purpose, each with its reason. A release empties the list.
MEANT: dict[str, str] = {
    "POST /callbacks/{provider}/{generation_id} now requires a body": "it always did; the document did not say so",
    "POST /v1/generations: `assets` of the answer 202 is gone": "an order of several outputs is answered with a batch; "
    "it was refused before, and every other answer has `assets`",
    "POST /webhooks/{provider} now requires a body": "as for callbacks",
}


def _document() -> str:
    return json.dumps(create_app(clean_settings()).openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_kept_document_is_current() -> None:
    current = _document()
    if os.environ.get("WRITE_DOCS"):
        KEPT.write_text(current, encoding="utf-8")

    assert KEPT.read_text(encoding="utf-8") == current, f"{KEPT} is not current: run `make docs`"


def test_nothing_breaks_a_client_of_the_last_release() -> None:
    """A change on purpose goes into `MEANT`, and into the changelog."""
    assert breaking(_read(RELEASED), json.loads(_document())) == list(MEANT)
