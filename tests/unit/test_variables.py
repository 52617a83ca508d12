from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas import variables
from schemas.settings import Settings
from tests.support import variables_set
from tests.unit.dotenv_example import variables as example

P = "REELWORKS_"


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    for name in variables_set():
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("GATEWAY_PROT", "GATEWAY_PORT"),
        ("S3__ENDPONT", "S3__ENDPOINT"),
        ("S3_ENDPOINT", "S3__ENDPOINT"),
        ("PROVIDERS__FILMS__API_KY", "PROVIDERS__FILMS__API_KEY"),
        ("PIPELINE__LEASE_SECOND", "PIPELINE__LEASE_SECONDS"),
        ("DATABASE_URLS", "DATABASE_URL"),
        ("GATEWAY_PORT__X", "GATEWAY_PORT"),
    ],
)
def test_a_slip_in_a_name_is_seen_and_the_right_name_is_said(name: str, near: str) -> None:
    (found,) = variables.unknown([P + name])

    assert found.nearest[0] == P + near
    assert str(found).startswith(f"{P}{name} is no setting and has no effect: do you mean {P}{near}")


def test_a_name_like_no_other_is_said_to_be_no_setting() -> None:
    (found,) = variables.unknown([P + "COLOUR_OF_THE_SKY"])

    assert str(found) == f"{P}COLOUR_OF_THE_SKY is no setting and has no effect: .env.example lists every setting"


@pytest.mark.parametrize(
    "name",
    ["S3", "s3__bucket", "PROVIDERS", "PROVIDERS__FILMS", "PROVIDERS__VERTEX__OPTIONS__PROJECT", "Gateway_Port"],
)
def test_every_spelling_that_a_setting_reads_is_known(name: str) -> None:
    assert variables.unknown([P + name]) == []


def test_every_line_of_the_example_is_known() -> None:
    names = [variable.name for variable in example() if variable.name.startswith(P)]

    assert names
    assert variables.unknown(names) == []


def test_variables_come_from_the_environment_and_from_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    monkeypatch.setitem(Settings.model_config, "env_file", str(file))
    file.write_text(f"{P}GATEWAY_PORT=1\n{P}LOG_LEVEL=DEBUG\nOTHER=1\n")
    monkeypatch.setenv(f"{P}GATEWAY_PORT", "2")

    assert variables.given() == {f"{P}GATEWAY_PORT": "2", f"{P}LOG_LEVEL": "DEBUG"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"GATEWAY_PORT": "x"}, ["GATEWAY_PORT: Input should be a valid integer"]),
        ({"ENVIRONMENT": "production"}, ["SECRET_KEY: must be set to a secret of your own in production"]),
        ({"ENVIRONMENT": "prod"}, ["ENVIRONMENT: Input should be 'development' or 'production'"]),
        ({"PIPELINE__LEASE_SECONDS": "0"}, ["PIPELINE__LEASE_SECONDS: Input should be greater than 0"]),
        ({"PROVIDERS__KIE__TIMEOUT_SECONDS": "x"}, ["PROVIDERS__KIE__TIMEOUT_SECONDS: Input should be a valid number"]),
        ({"PROVIDERS__KIE__OPTIONS": "x"}, ["PROVIDERS__KIE__OPTIONS: Input should be a valid dictionary"]),
        (
            {"INPUTS__ALLOWED_PRIVATE_NETWORKS": '["x"]', "LOG_LEVEL": "LOUD"},
            [
                "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
                "INPUTS__ALLOWED_PRIVATE_NETWORKS: Input is not a valid IPv4 network; Input is not a valid IPv6",
            ],
        ),
        ({"DATABASE_URL": "mysql://h/d"}, ["DATABASE_URL: must be a postgresql:// URL"]),
    ],
)
def test_what_is_refused_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: list[str]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(P + name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()

    lines = variables.in_words(refused.value)

    assert len(lines) == len(said)
    for line, start in zip(lines, said, strict=True):
        assert line.startswith(P + start)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SITE_URL": "films.example"}, "SITE_URL: must be http://HOST"),
        ({"VIDEO_TOKEN_COST": "many"}, "VIDEO_TOKEN_COST: Input should be a valid integer"),
        ({"SITE_URL": "https://films.example", f"{P}PUBLIC_URL": "films.example"}, f"{P}PUBLIC_URL: must be http://"),
    ],
)
def test_a_refused_name_of_another_system_is_named_as_it_was_set(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()

    (line,) = variables.in_words(refused.value)

    assert line.startswith(said)


def test_what_is_no_json_is_named_by_its_variable() -> None:
    name = f"{P}DOWNLOADS__ALLOWED_PRIVATE_NETWORKS"
    fine = {f"{P}S3__BUCKET": "no json", f"{P}INPUTS": '{"read_seconds": 1}', f"{P}PROVIDERS__KIE__OPTIONS__A": "b"}

    assert variables.not_json({name: "10.0.0.0/8", **fine}) == [f"{name}: must be JSON, for example []"]
    assert variables.not_json({f"{P}S3": "bucket"}) == [f"{P}S3: must be JSON, for example {{}}"]
