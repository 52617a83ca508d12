"""Workflow templates: their marks, their errors, and the graphs of orders."""

import json
from pathlib import Path
from typing import Any

import pytest

from providers.adapters.comfyui.values import require_marks, values_for
from providers.adapters.comfyui.workflows import EXAMPLES, Named, Workflow, WorkflowError, read_file, read_folder
from providers.catalogue import CatalogueFile
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

Graph = dict[str, dict[str, Any]]

ROUTES = {
    route.model for model in CatalogueFile.shipped().models for route in model.routes if route.provider == "comfyui"
}
ORDER = Inputs(prompt="a boat", negative_prompt="fog", aspect_ratio="9:16", duration_seconds=3, fps=8, seed=7)


def graph() -> Graph:
    """A template with every mark but `motion`."""
    return {
        "1": node("LoadImage", "Picture reelworks:image", image="example.png"),
        "2": node(
            "Texts", "reelworks:prompt=text reelworks:negative_prompt=without", text="x", without="", clip=["1", 0]
        ),
        "3": node("Latent", "reelworks:width reelworks:height reelworks:frames=length", width=64, height=32, length=9),
        "4": node("KSampler", "KSampler reelworks:seed", seed=0, steps=4, latent=["3", 0], positive=["2", 0]),
        "5": node("CreateVideo", "reelworks:fps", fps=24, images=["4", 0]),
        "6": node("SaveVideo", "Save reelworks:output", filename_prefix="video/ComfyUI", video=["5", 0]),
    }


def node(kind: str, title: str, **inputs: object) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}


def written(folder: Path, content: object, name: str = "mine.json") -> Path:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def filled(workflow: Workflow, inputs: Inputs, *, images: list[str]) -> Graph:
    values = values_for(workflow, inputs, images=images, free_seed=99)
    return json.loads(json.dumps(workflow.filled(values, prefix="reelworks/run-1")))  # type: ignore[no-any-return]


def test_order_fills_each_marked_field_and_nothing_else(tmp_path: Path) -> None:
    workflow = read_file(written(tmp_path, graph()))
    made = filled(workflow, ORDER, images=["reelworks-1.png"])
    expected = {
        name: {"class_type": each["class_type"], "inputs": dict(each["inputs"])} for name, each in graph().items()
    }
    expected["1"]["inputs"]["image"] = "reelworks-1.png"
    expected["2"]["inputs"] |= {"text": "a boat", "without": "fog"}
    expected["3"]["inputs"] |= {"width": 32, "height": 64, "length": 25}
    expected["4"]["inputs"]["seed"] = 7
    expected["5"]["inputs"]["fps"] = 8
    expected["6"]["inputs"]["filename_prefix"] = "reelworks/run-1"
    assert made == expected


def test_order_without_settings_keeps_the_templates_own_but_the_seed(tmp_path: Path) -> None:
    workflow = read_file(written(tmp_path, graph()))
    made = filled(workflow, Inputs(prompt="a boat"), images=["1.png"])
    assert made["3"]["inputs"] == {"width": 64, "height": 32, "length": 9}
    assert (made["5"]["inputs"]["fps"], made["4"]["inputs"]["seed"]) == (24, 99)


def test_length_follows_the_templates_frame_rate_where_an_order_names_none(tmp_path: Path) -> None:
    workflow = read_file(written(tmp_path, graph()))
    made = filled(workflow, Inputs(prompt="a boat", duration_seconds=2), images=["1.png"])
    assert made["3"]["inputs"]["length"] == 49


@pytest.mark.parametrize(
    ("shape", "size"), [("1:1", (48, 48)), ("2:1", (64, 32)), ("1:2", (32, 64)), ("16:9", (64, 32)), (None, (64, 32))]
)
def test_size_has_the_templates_area_in_the_ordered_shape(
    tmp_path: Path, shape: str | None, size: tuple[int, int]
) -> None:
    workflow = read_file(written(tmp_path, graph()))
    made = filled(workflow, Inputs(prompt="a boat", aspect_ratio=shape), images=["1.png"])
    assert (made["3"]["inputs"]["width"], made["3"]["inputs"]["height"]) == size


def test_an_input_can_have_several_fields(tmp_path: Path) -> None:
    content = graph()
    content["7"] = node("Conditioning", "reelworks:fps=frame_rate", frame_rate=25)
    made = filled(read_file(written(tmp_path, content)), ORDER, images=["1.png"])
    assert (made["5"]["inputs"]["fps"], made["7"]["inputs"]["frame_rate"]) == (8, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"2": node("Texts", "reelworks:promt=text", text="")}, r"marks 'promt', which is no input; inputs are "),
        (
            {"2": node("Texts", "reelworks:prompt=txt", text="")},
            r"node 2 \(Texts\) marks prompt at its field 'txt', which it does not have; its fields are: text. Write",
        ),
        (
            {"2": node("Texts", "reelworks:prompt=text", text=["1", 0])},
            r"marks prompt at its field 'text', which is a link to node 1: mark the node where the value stands",
        ),
        ({"4": node("KSampler", "reelworks:seed", seed="x")}, r"field 'seed', which must be a number, not 'x'"),
        ({"4": node("KSampler", "reelworks:seed", seed=True)}, r"field 'seed', which must be a number, not True"),
        ({"2": node("Texts", "reelworks:prompt=text", text=1)}, r"field 'text', which must be a text, not 1"),
        ({"6": node("SaveVideo", "Save", filename_prefix="x")}, r"no node marked reelworks:output: mark the one"),
        ({"7": node("SaveImage", "reelworks:output", filename_prefix="x")}, r"nodes 6, 7 marked reelworks:output"),
        ({"6": node("Preview", "reelworks:output", video=["5", 0])}, r"output node 6 needs a field 'filename_prefix'"),
        ({"6": node("SaveVideo", "reelworks:output", filename_prefix=["5", 0])}, r"needs a field 'filename_prefix'"),
        ({"5": node("CreateVideo", "Create", fps=24, images=["4", 0])}, r"marks frames without fps"),
        ({"3": node("Latent", "reelworks:width", width=64)}, r"mark width and height, or neither"),
        ({"4": node("KSampler", "", latent=["33", 0])}, r"node 4 links 'latent' to node 33, which is missing"),
        ({"4": {"type": "KSampler"}}, r"node 4 needs `class_type` and `inputs`: export with Export \(API\)"),
        (
            {"1": node("LoadImage", "", image=""), "2": node("Texts", "", text="")},
            r"marks neither a prompt nor an image: an order would change nothing",
        ),
    ],
)  # fmt: skip
def test_wrong_template_is_refused_in_words(tmp_path: Path, change: Graph, message: str) -> None:
    with pytest.raises(WorkflowError, match=f"mine.json.*{message}"):
        read_file(written(tmp_path, {**graph(), **change}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "mine.json is not readable JSON: Expecting property name"),
        ("[]", "mine.json is no workflow: the top of the file must be an object of nodes"),
        ({"nodes": [], "links": []}, r"mine.json is in the editor's format: export it with Workflow > Export \(API\)"),
    ],
)
def test_file_of_another_kind_is_refused_in_words(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(WorkflowError, match=message):
        read_file(written(tmp_path, content))


def test_folder_without_templates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match=r"has no workflow: add one as NAME\.json for each model to offer"):
        read_folder(tmp_path)
    with pytest.raises(WorkflowError, match="is no folder: name the folder with your workflows"):
        read_folder(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (Inputs(prompt="x", image_urls=["a"], motion=0.5), "the workflow mine.json marks no node for motion"),
        (Inputs(prompt="x", image_urls=["a"], resolution="720p"), "stands for a resolution .*: mine.json cannot"),
        (Inputs(prompt="x", image_urls=["a"], video_urls=["b"]), "no mark of a workflow stands for input videos"),
        (Inputs(prompt="x", image_urls=["a"], audio=True), "no mark of a workflow stands for sound"),
        (Inputs(prompt="x", image_urls=["a"], enhance_prompt=True), "stands for a rewritten prompt"),
        (Inputs(prompt="x", image_urls=["a"], aspect_ratio="auto"), "an aspect ratio of two numbers, such as 16:9"),
        (Inputs(prompt="x"), "takes 1 pictures, and the order has 0"),
        (Inputs(prompt="x", image_urls=["a", "b"]), "takes 1 pictures, and the order has 2"),
    ],
)
def test_order_that_the_template_would_ignore_is_refused(tmp_path: Path, inputs: Inputs, message: str) -> None:
    with pytest.raises(ProviderRejected, match=message):
        require_marks(read_file(written(tmp_path, graph())), inputs)


@pytest.mark.parametrize(
    ("inputs", "missing"),
    [
        (Inputs(prompt="x", duration_seconds=5), "frames"),
        (Inputs(prompt="x", aspect_ratio="9:16"), "width, height"),
        (Inputs(prompt="x", negative_prompt="fog"), "negative_prompt"),
        (Inputs(prompt="x", seed=1), "seed"),
        (Inputs(prompt="x", fps=8), "fps"),
    ],
)
def test_setting_without_its_mark_is_refused(tmp_path: Path, inputs: Inputs, missing: str) -> None:
    bare = {
        "2": node("Texts", "reelworks:prompt=text", text="x"),
        "6": node("SaveVideo", "Save reelworks:output", filename_prefix="video/ComfyUI"),
    }
    with pytest.raises(ProviderRejected, match=f"mine.json marks no node for {missing}$"):
        require_marks(read_file(written(tmp_path, bare)), inputs)


def test_templates_own_frames_stay_where_they_are_the_ordered_length(tmp_path: Path) -> None:
    workflow = read_folder(EXAMPLES)["stable-video"]
    made = filled(workflow, Inputs(prompt="", duration_seconds=1), images=["1.png"])
    assert (made["3"]["inputs"]["video_frames"], made["6"]["inputs"]["fps"]) == (25, 25)
    longer = filled(workflow, Inputs(prompt="", duration_seconds=2), images=["1.png"])
    assert longer["3"]["inputs"]["video_frames"] == 51


def test_there_is_an_example_for_each_route_of_the_catalogue() -> None:
    assert set(read_folder(EXAMPLES)) == ROUTES


def test_examples_mark_all_that_their_models_take() -> None:
    workflows = read_folder(EXAMPLES)
    for model in CatalogueFile.shipped().models:
        for workflow in [workflows[route.model] for route in model.routes if route.provider == "comfyui"]:
            can = model.capabilities
            taken = {
                Named.PROMPT: can.uses_prompt,
                Named.NEGATIVE_PROMPT: bool(can.negative_prompt_characters),
                Named.WIDTH: bool(can.aspect_ratios),
                Named.HEIGHT: bool(can.aspect_ratios),
                Named.FRAMES: bool(can.durations_seconds),
                Named.SEED: can.max_seed is not None,
                Named.IMAGE: bool(can.max_images),
                Named.MOTION: can.motion,
            }
            marked = set(workflow.places) - {Named.FPS}
            assert marked == {name for name, is_taken in taken.items() if is_taken}, model.name
