"""The configuration file: what it means, and what a wrong one says."""

import re
from pathlib import Path

import pytest

from model_server import tiny
from model_server.configuration import Configuration, load
from model_server.errors import ConfigurationInvalid
from model_server.serving import check_reach

_TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LTX = f'[pipelines.ltx]\nclass = "LTXPipeline"\nsource = "owner/name"\nrevision = "{_COMMIT}"\n'


def _read(folder: Path, text: str) -> Configuration:
    path = folder / "models.toml"
    path.write_text(text)
    return load(path)


def test_a_pipeline_has_the_defaults_of_its_class(tmp_path: Path) -> None:
    pipeline = _read(tmp_path, _LTX).pipelines["ltx"]
    assert (pipeline.default_width, pipeline.default_height, pipeline.default_frames) == (704, 512, 161)
    assert (pipeline.default_fps, pipeline.default_steps, pipeline.most_steps) == (25, 50, 100)
    assert (pipeline.size_grid.multiple, pipeline.size_grid.max_pixels) == (32, 704 * 512)
    assert (pipeline.source, pipeline.revision) == ("owner/name", _COMMIT)


def test_a_relative_folder_is_relative_to_the_file(tmp_path: Path) -> None:
    configuration = _read(tmp_path, tiny.CONFIGURATION)
    assert configuration.pipelines["stable-video"].source == str(tmp_path / "stable-video")
    assert configuration.pipelines["stable-video"].size_grid.allows(96, 64)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "pipelines: Field required"),
        ("[pipelines", "not TOML"),
        (_LTX.replace("LTXPipeline", "AnyPipeline"), "class 'AnyPipeline' is not allowed. Allowed: CogVideoX"),
        (_LTX.replace(_COMMIT, "main"), "40 hexadecimal digits of a commit"),
        (_LTX.replace(f'revision = "{_COMMIT}"', ""), "40 hexadecimal digits of a commit"),
        (_LTX.replace("owner/name", "/a/folder"), "a folder has none"),
        (_LTX + "width = 700\n", "704x512 is the nearest size"),
        (_LTX + "num_frames = 160\n", "num_frames must be legal for the class: 161 is the nearest number"),
        (_LTX + "max_steps = 10\n", "steps must be from 2 to max_steps (10)"),
        (_LTX + 'options = ["motion_bucket_id"]\n', "LTXPipeline has no motion_bucket_id. It has decode_noise_scale"),
        (_LTX + "arguments = { prompt = 'x' }\n", "the server sets prompt itself"),
        (
            _LTX.replace("pipelines.ltx", "pipelines.ltx-0.9"),
            'pipelines: quote a name with a dot: [pipelines."ltx-0.9"]',
        ),
        (
            _LTX.replace("pipelines.ltx", "pipelines.ltx-0.9.8"),
            '[pipelines."ltx-0.9.8"] instead of [pipelines.ltx-0.9.8]',
        ),
        (_LTX + "unknown = 1\n", "pipelines.ltx.unknown: Extra inputs are not permitted"),
        (_LTX + 'dtype = "int8"\n', "pipelines.ltx.dtype: Input should be 'float32', 'float16' or 'bfloat16'"),
        (_LTX.replace("pipelines.ltx", 'pipelines."A b"'), "the name 'A b' must have"),
        (_LTX + '[server]\ndevice = "tpu"\n', "server.device"),
        (_LTX + '[server]\napi_key = "short"\n', "server.api_key: must have at least 16 ASCII characters"),
        (_LTX + '[server]\nwebhook_key = "plain"\n', "server.webhook_key: must be whsec_ and base64"),
    ],
)
def test_a_wrong_file_says_the_place_and_the_remedy(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"models\.toml") as refused:
        _read(tmp_path, text)
    assert says in str(refused.value)
    assert "short" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"absent\.toml: not readable"):
        load(tmp_path / "absent.toml")


def test_the_variables_of_the_keys_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_SERVER_API_KEY", "the key of the variable")
    configuration = _read(tmp_path, _LTX + '[server]\napi_key = "the key of the file"\n')
    assert configuration.server.api_key is not None
    assert configuration.server.api_key.get_secret_value() == "the key of the variable"
    assert "the key" not in repr(configuration)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gpu-1", "203.0.113.9"])
def test_a_server_without_a_key_listens_on_loopback_alone(tmp_path: Path, host: str) -> None:
    without = _read(tmp_path, _LTX)
    check_reach(without, "127.0.0.1")
    check_reach(without, "::1")
    with pytest.raises(ConfigurationInvalid, match="MODEL_SERVER_API_KEY"):
        check_reach(without, host)
    check_reach(_read(tmp_path, _LTX + '[server]\napi_key = "a key of some length"\n'), host)


@pytest.mark.parametrize("page", ["own-gpus", "model-server"])
def test_the_configurations_of_the_documentation_are_right(tmp_path: Path, page: str) -> None:
    blocks = _TOML.findall((Path("docs") / f"{page}.md").read_text())
    assert blocks
    for block in blocks:
        _read(tmp_path, block)


def test_a_name_with_a_dot_in_quotes_is_a_name(tmp_path: Path) -> None:
    configuration = _read(tmp_path, _LTX.replace("pipelines.ltx", 'pipelines."wan-2.1"'))
    assert set(configuration.pipelines) == {"wan-2.1"}
