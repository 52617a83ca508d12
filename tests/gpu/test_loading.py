"""Sources: folders, the hub at a fixed commit, and what is refused."""

import json
import shutil
from collections.abc import Iterator
from inspect import signature
from pathlib import Path

import diffusers
import pytest
import safetensors.torch
import torch

from model_server.classes import CLASSES, PipelineClass
from tests.gpu.running import ModelServer, server

_REVISION = "0123456789abcdef0123456789abcdef01234567"


_PIPELINE = """
[pipelines.{name}]
class = "LTXPipeline"
source = "{source}"
{revision}
width = 96
height = 64
num_frames = 9
steps = 2
"""


@pytest.fixture(scope="module")
def sources(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """A server without a network, with a pipeline of the hub and folders that it must refuse."""
    folder = tmp_path_factory.mktemp("sources")
    hub = folder / "hub" / "hub" / "models--tiny--ltx" / "snapshots" / _REVISION
    shutil.copytree(weights / "ltx-video", hub)
    for name in ("class", "code", "pickles"):
        shutil.copytree(weights / "ltx-video", folder / name)
    _change_index(folder / "class", _class_name="SomebodysPipeline")
    _change_index(folder / "code", vae=["own_vae", "OwnVae"])
    (folder / "code" / "vae" / "own_vae.py").write_text(f"open({str(folder / 'it ran')!r}, 'w')")
    safe = folder / "pickles" / "text_encoder" / "model.safetensors"
    torch.save(safetensors.torch.load_file(safe), safe.with_name("pytorch_model.bin"))
    safe.unlink()
    text = [
        _PIPELINE.format(name="hub", source="tiny/ltx", revision=f'revision = "{_REVISION}"'),
        _PIPELINE.format(name="another-commit", source="tiny/ltx", revision=f'revision = "{"f" * 40}"'),
        *(
            _PIPELINE.format(name=name, source=f"./{name}", revision="")
            for name in ("class", "code", "pickles", "absent")
        ),
    ]
    configuration = folder / "models.toml"
    configuration.write_text("".join(text))
    environment = {"HF_HOME": str(folder / "hub"), "HF_HUB_OFFLINE": "1"}
    with server(configuration, folder / "state", environment=environment) as found:
        yield found


def _change_index(folder: Path, **changes: object) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_pipeline_of_the_hub_is_loaded_at_its_commit_without_a_network(sources: ModelServer) -> None:
    assert sources.ended(sources.created("hub", "hub"))["status"] == "succeeded"
    facts = sources.pipelines()["hub"]
    assert (facts["source"], facts["revision"], facts["loaded"]) == ("tiny/ltx", _REVISION, True)


@pytest.mark.parametrize(
    ("pipeline", "says"),
    [
        ("another-commit", "tiny/ltx was not loaded"),
        ("class", "names 'SomebodysPipeline', and the configuration says LTXPipeline"),
        ("code", "the component vae is of 'own_vae'"),
        ("pickles", "text_encoder: has pickles and no safetensors"),
        ("absent", "there is no such folder"),
    ],
)
def test_other_sources_are_refused_and_the_job_says_why(sources: ModelServer, pipeline: str, says: str) -> None:
    job = sources.ended(sources.created(pipeline, pipeline))
    assert (job["status"], job["error"]["code"]) == ("failed", "pipeline_failed")
    assert says in job["error"]["message"]
    assert not sources.pipelines()[pipeline]["loaded"]
    assert not (Path(sources.pipelines()["class"]["source"]).parent / "it ran").exists()


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
