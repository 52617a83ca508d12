"""`reelworks model-server`: what it says where it cannot serve."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.commands import model_server as command
from cli.main import app
from model_server import tiny


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "models.toml"
    path.write_text(tiny.CONFIGURATION)
    return path


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["model-server", *arguments])
    return result.exit_code, result.output


def test_a_missing_environment_is_named_with_both_commands(
    configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_PROJECT", tmp_path)
    monkeypatch.setattr(command, "find_spec", lambda _name: None)
    code, output = _run("--config", str(configuration), "--state", str(tmp_path / "state"))
    assert code == 2
    assert "make gpu" in output
    assert "pip install 'reelworks[gpu]'" in output
    assert not (tmp_path / "state").exists()


def test_another_address_than_loopback_needs_a_key(configuration: Path, tmp_path: Path) -> None:
    code, output = _run("--config", str(configuration), "--host", "0.0.0.0", "--state", str(tmp_path / "state"))
    assert code == 2
    assert "MODEL_SERVER_API_KEY" in output


def test_the_file_must_be_named_and_right(tmp_path: Path) -> None:
    assert _run()[0] == 2
    assert "absent.toml: not readable" in _run("--check", "--config", str(tmp_path / "absent.toml"))[1]


def test_check_shows_each_pipeline_and_names_what_is_missing(configuration: Path, tmp_path: Path) -> None:
    code, output = _run("--check", "--config", str(configuration))
    assert code == 2
    for name in ("stable-video", "LTXPipeline", "StableDiffusionXLPipeline"):
        assert name in output
    assert f"{tmp_path}/ltx-video: there is no readable model_index.json" in output.replace("\n", " ")
