import json
from io import StringIO

import pytest
from pydantic import SecretStr
from rich.console import Console

from cli.reports.urls import show_urls
from schemas.errors import NotFound
from schemas.setting_groups import S3Settings
from schemas.settings import Settings
from stack.credentials import Credentials
from stack.wiring import with_sandbox


@pytest.fixture
def running(settings: Settings) -> Settings:
    """The settings of a system with real services."""
    return settings.model_copy(
        update={
            "database_url": "postgresql://films:s3cret@db.example/films",
            "redis_url": "redis://:s3cret@redis.example:6379/0",
            "s3": S3Settings(endpoint="s3.example", access_key="films", secret_key=SecretStr("s3cret"), bucket="films"),
        }
    )


def shown(settings: Settings, name: str | None = None, *, as_json: bool = False) -> str:
    out = StringIO()
    show_urls(settings, Console(file=out, width=20), name=name, as_json=as_json)
    return out.getvalue()


EXPECTED = {
    "gateway": "http://127.0.0.1:8080",
    "flower": "http://127.0.0.1:5555",
    "database": "postgresql://films:s3cret@db.example/films",
    "redis": "redis://:s3cret@redis.example:6379/0",
    "s3": "https://s3.example",
    "s3_bucket": "films",
    "s3_access_key": "films",
    "s3_secret_key": "s3cret",
}


def test_narrow_terminal_folds_no_address(running: Settings) -> None:
    assert dict(line.split() for line in shown(running).splitlines()) == EXPECTED


def test_json_output_holds_every_address(running: Settings) -> None:
    assert json.loads(shown(running, as_json=True)) == EXPECTED
    assert json.loads(shown(running, "redis", as_json=True)) == {"redis": EXPECTED["redis"]}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_name_prints_only_its_value(running: Settings, name: str) -> None:
    assert shown(running, name) == EXPECTED[name] + "\n"


def test_sandbox_is_listed_when_accounts_use_it(running: Settings) -> None:
    assert shown(with_sandbox(running, Credentials()), "sandbox") == "http://127.0.0.1:8090\n"
    with pytest.raises(NotFound, match="there is no 'sandbox': choose gateway, flower, database, redis, "):
        shown(running, "sandbox")
