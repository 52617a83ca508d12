"""Loads a pipeline: from a folder, or from the hub at a fixed commit. Loads safetensors alone, and runs no code of the
repository."""

import json
import os
from inspect import signature
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from model_server.classes import PipelineClass
from model_server.configuration import Pipeline
from model_server.errors import FailureCode, JobFailed

log = structlog.get_logger()

# The libraries whose classes a pipeline may consist of. Another name would be a module of the repository.
_LIBRARIES: Final = frozenset({"diffusers", "transformers"})
_WEIGHTS: Final = (".bin", ".ckpt", ".pt", ".pth", ".pkl")


class Runnable(Protocol):
    """A loaded pipeline of diffusers."""

    def __call__(self, **arguments: Any) -> Any:
        """Make a result."""

    def maybe_free_model_hooks(self) -> None:
        """Bring offloaded components back to the machine's memory."""


def load(pipeline: Pipeline, *, device: str) -> tuple[Runnable, int]:
    """Load a pipeline onto a device. Returns the pipeline, and the bytes of its weights.

    Raises:
        JobFailed: the source is not there, not allowed or damaged.
        torch.OutOfMemoryError: the device is full.
    """
    import diffusers
    import torch

    folder = _folder(pipeline)
    check_index(folder, pipeline.kind)
    check_weights(folder)
    kind = getattr(diffusers, pipeline.class_name)
    _check_arguments(kind, pipeline)
    dtypes = {"default": getattr(torch, pipeline.dtype)}
    dtypes |= {name: getattr(torch, dtype) for name, dtype in pipeline.component_dtypes.items()}
    try:
        loaded = kind.from_pretrained(
            str(folder),
            dtype=dtypes,
            variant=pipeline.variant,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError, AttributeError, ImportError) as error:
        raise _not_loaded(pipeline, error) from error
    loaded.set_progress_bar_config(disable=True)
    if pipeline.vae_tiling:
        loaded.vae.enable_tiling()
    if device == "cpu" or pipeline.offload == "none":
        loaded.to(device)
    elif pipeline.offload == "model":
        loaded.enable_model_cpu_offload(device=device)
    else:
        loaded.enable_sequential_cpu_offload(device=device)
    return loaded, _bytes_of(loaded)


def weight_bytes(pipeline: Pipeline) -> int:
    """The bytes of the weights' files, where they are on this machine; else 0."""
    if not pipeline.is_folder:
        return 0
    return sum(path.stat().st_size for path in Path(pipeline.source).rglob("*.safetensors"))


def check_index(folder: Path, kind: PipelineClass) -> None:
    """Read `model_index.json` before anything is loaded.

    Raises:
        JobFailed: the class is another one, or a component is code of the repository.
    """
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _refused(f"{folder}: there is no readable model_index.json") from None
    found = index.get("_class_name")
    if found not in kind.index_classes:
        raise _refused(f"{folder}: model_index.json names {found!r}, and the configuration says {kind.name}")
    for name, part in index.items():
        if name.startswith("_") or not isinstance(part, list) or len(part) != 2:
            continue
        # A safety checker stands as a module of its pipeline.
        if part[0] not in (None, *_LIBRARIES) and not (part[0] == "stable_diffusion" and name == "safety_checker"):
            raise _refused(
                f"{folder}: the component {name} is of {part[0]!r}: allowed are {', '.join(sorted(_LIBRARIES))}"
            )


def check_weights(folder: Path) -> None:
    """Refuse a component whose weights are pickles only. A pickle runs code of its maker when it is loaded.

    Raises:
        JobFailed: names the component.
    """
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        names = [path.name for path in part.iterdir()]
        has_pickles = any(name.endswith(_WEIGHTS) for name in names)
        if has_pickles and not any(name.endswith(".safetensors") for name in names):
            raise _refused(f"{part}: has pickles and no safetensors. A pickle can run code, so it is not loaded")


def _folder(pipeline: Pipeline) -> Path:
    """The folder of the weights, which the hub's files are fetched into."""
    if pipeline.is_folder:
        folder = Path(pipeline.source)
        if not folder.is_dir():
            raise _refused(f"{folder}: there is no such folder")
        return folder
    import diffusers

    log.info("model_fetch_begins", source=pipeline.source, revision=pipeline.revision)
    try:
        fetched = getattr(diffusers, pipeline.class_name).download(
            pipeline.source,
            revision=pipeline.revision,
            variant=pipeline.variant,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=os.environ.get("HF_HUB_OFFLINE", "") in ("1", "ON", "YES", "TRUE"),
        )
    except (OSError, ValueError) as error:
        raise _not_loaded(pipeline, error) from error
    return Path(fetched)


def _check_arguments(kind: Any, pipeline: Pipeline) -> None:
    known = signature(kind.__call__).parameters
    if unknown := pipeline.arguments.keys() - known.keys():
        raise _refused(f"arguments: {pipeline.class_name} has no {', '.join(sorted(unknown))}")


def _bytes_of(loaded: Any) -> int:
    parts = [part for part in loaded.components.values() if hasattr(part, "parameters")]
    return sum(tensor.nbytes for part in parts for tensor in (*part.parameters(), *part.buffers()))


def _not_loaded(pipeline: Pipeline, error: Exception) -> JobFailed:
    return _refused(f"{pipeline.source} was not loaded: {' '.join(str(error).split())[:500]}")


def _refused(message: str) -> JobFailed:
    return JobFailed(FailureCode.PIPELINE_FAILED, message)
