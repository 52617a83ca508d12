"""Sources: folders, the hub at a fixed commit, and what is refused."""

import json
import shutil
from inspect import signature
from pathlib import Path

import diffusers
import pytest
import safetensors.torch
import torch

from model_server.classes import CLASSES, PipelineClass
from tests.gpu.running import server

_REVISION = "0123456789abcdef0123456789abcdef01234567"


def _configuration(path: Path, source: str, *, name: str = "LTXPipeline", revision: str | None = None) -> Path:
    lines = [f'[pipelines.ltx-video]\nclass = "{name}"\nsource = "{source}"']
    lines.append("width = 96\nheight = 64\nnum_frames = 9\nsteps = 2")
    if revision:
        lines.append(f'revision = "{revision}"')
    path.write_text("\n".join(lines))
    return path


def _outcome(configuration: Path, state: Path, **environment: str) -> dict[str, object]:
    with server(configuration, state, environment=environment) as models:
        job = models.ended(models.created("one"))
        facts = models.pipelines()["ltx-video"]
        return {
            "status": job["status"],
            "error": job["error"],
            "source": facts["source"],
            "revision": facts["revision"],
        }


def test_a_pipeline_of_the_hub_is_loaded_at_its_commit_without_a_network(weights: Path, tmp_path: Path) -> None:
    snapshots = tmp_path / "hub" / "hub" / "models--tiny--ltx" / "snapshots"
    shutil.copytree(weights / "ltx-video", snapshots / _REVISION)
    configuration = _configuration(tmp_path / "models.toml", "tiny/ltx", revision=_REVISION)
    found = _outcome(configuration, tmp_path / "state", HF_HOME=str(tmp_path / "hub"), HF_HUB_OFFLINE="1")
    assert found == {"status": "succeeded", "error": None, "source": "tiny/ltx", "revision": _REVISION}


def test_another_commit_than_the_kept_one_is_not_loaded(weights: Path, tmp_path: Path) -> None:
    snapshots = tmp_path / "hub" / "hub" / "models--tiny--ltx" / "snapshots"
    shutil.copytree(weights / "ltx-video", snapshots / _REVISION)
    configuration = _configuration(tmp_path / "models.toml", "tiny/ltx", revision="f" * 40)
    found = _outcome(configuration, tmp_path / "state", HF_HOME=str(tmp_path / "hub"), HF_HUB_OFFLINE="1")
    assert found["status"] == "failed"
    assert "tiny/ltx was not loaded" in str(found["error"])


def test_a_folder_of_another_class_is_refused_before_it_is_loaded(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(weights / "ltx-video", folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": "SomebodysPipeline"}))
    found = _outcome(_configuration(tmp_path / "models.toml", str(folder)), tmp_path / "state")
    assert found["status"] == "failed"
    assert "names 'SomebodysPipeline'" in str(found["error"])


def test_a_component_that_is_code_of_the_repository_is_refused(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    shutil.copytree(weights / "ltx-video", folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "vae": ["own_vae", "OwnVae"]}))
    ran = tmp_path / "it ran"
    (folder / "vae" / "own_vae.py").write_text(f"open({str(ran)!r}, 'w')")
    found = _outcome(_configuration(tmp_path / "models.toml", str(folder)), tmp_path / "state")
    assert "the component vae is of 'own_vae'" in str(found["error"])
    assert not ran.exists()


def test_weights_that_are_pickles_alone_are_refused(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickles"
    shutil.copytree(weights / "ltx-video", folder)
    safe = folder / "text_encoder" / "model.safetensors"
    torch.save(safetensors.torch.load_file(safe), folder / "text_encoder" / "pytorch_model.bin")
    safe.unlink()
    found = _outcome(_configuration(tmp_path / "models.toml", str(folder)), tmp_path / "state")
    assert found["status"] == "failed"
    assert "text_encoder: has pickles and no safetensors" in str(found["error"])


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.name)
def test_the_table_of_classes_agrees_with_diffusers(kind: PipelineClass) -> None:
    known = signature(getattr(diffusers, kind.name).__call__).parameters
    wanted = {"num_inference_steps", "generator", "output_type", *kind.knobs}
    wanted |= {"width", "height"} if kind.takes_size else set()
    wanted |= {"prompt"} if kind.takes_prompt else set()
    wanted |= {"negative_prompt"} if kind.takes_negative_prompt else set()
    wanted |= {"image"} if kind.takes_image else set()
    wanted |= {"num_frames"} if kind.kind == "video" else set()
    wanted |= {kind.guidance_argument} if kind.guidance is not None else set()
    wanted |= {kind.fps_argument} if kind.fps_argument else set()
    assert wanted <= known.keys()
    assert ("callback_on_step_end" in known) == kind.tells_steps
    assert ("prompt" in known) == kind.takes_prompt
    told = {"width": kind.width, "height": kind.height, "num_inference_steps": kind.steps}
    for name, value in told.items():
        default = known[name].default if name in known else None
        assert default in (None, value), name
