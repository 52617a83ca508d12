"""Every operation with an API key, and every kind of caller that it refuses."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from api_gateway import create_app
from schemas.setting_groups import OpenaiSettings, TestKeySettings
from schemas.settings import Settings
from storage.database import Database
from tests.integration.gateway.access import COLUMNS, Operation, World, operations, problem, told
from tests.integration.gateway.serving import serving

PAGE = Path("docs/keys.md")
TABLE = re.compile(r"(<!-- table: access -->\n).*?(<!-- end of table -->)", re.DOTALL)

REFUSED = {
    "no key": "401 `unauthenticated`",
    "wrong key": "401 `unauthenticated`",
    "expired": "401 `key_expired`",
    "revoked": "401 `key_revoked`",
    "missing scope": "403 `insufficient_scope`",
}
OF_OTHERS = {"404 `not_found`", "403 `not_for_this_key`"}


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway whose sandbox is away."""
    test_keys = TestKeySettings(sandbox_url="http://127.0.0.1:1", api_key=SecretStr("sandbox"))
    # No worker makes an image for which a request waits.
    impatient = OpenaiSettings(image_wait_seconds=0.1)
    with serving(create_app(settings.model_copy(update={"test_keys": test_keys, "openai": impatient}))) as client:
        yield client


def test_every_operation_refuses_every_wrong_caller(
    gateway: httpx.Client, database: Database, settings: Settings
) -> None:
    world = World(gateway, database, settings)
    known = operations(gateway.get("/openapi.json").json())
    rows = {operation: dict(world.answers(operation)) for operation in known}

    for operation, row in rows.items():
        where = f"{operation.method} {operation.path}"
        assert {name: told(row[name]) for name in REFUSED} == REFUSED, where
        assert problem(row["missing scope"])["required_scope"] == operation.scope, where
        if operation.has_tenants_id:
            assert {told(row["other tenant"]), told(row["test key"])} <= OF_OTHERS, where
    # The right caller finds the way with the same requests: the refusals above have no other reason.
    found = [(operation, world.owners_answer(operation)) for operation in known]
    lost = [(one.method, one.path, told(answer)) for one, answer in found if answer.status_code in range(400, 405)]
    assert lost == []
    _compare(_table(rows))


def _table(rows: dict[Operation, dict[str, httpx.Response]]) -> str:
    lines = [f"| operation | scope | {' | '.join(COLUMNS)} |", "|" + "---|" * (len(COLUMNS) + 2)]
    for operation, row in sorted(rows.items(), key=lambda entry: (entry[0].path, entry[0].method)):
        cells = [
            f"`{operation.method} {operation.path}`",
            f"`{operation.scope}`",
            *(told(row[name]) for name in COLUMNS),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _compare(table: str) -> None:
    """Compare the table with the page, or write the page (`make docs`)."""
    page = PAGE.read_text(encoding="utf-8")
    current = TABLE.sub(lambda found: found[1] + table + found[2], page)
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(current, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == current, "docs/keys.md is not current: run `make docs`"
