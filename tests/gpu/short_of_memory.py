"""The command, with a pipeline that runs out of memory where its prompt asks for the impossible.

Run as `python -m tests.gpu.short_of_memory model-server …`. A failed allocation on a CPU raises another error than on a
GPU, so the pipeline raises the GPU's.
"""

import functools
from typing import Any

import diffusers
import torch

from cli.main import main

_call = diffusers.LTXPipeline.__call__


@functools.wraps(_call)
def _short(self: Any, prompt: str | None = None, **arguments: Any) -> Any:
    if prompt == "too large for this device":
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80.00 GiB.")
    if prompt == "breaks":
        raise ValueError("a broken pipeline")
    return _call(self, prompt=prompt, **arguments)


diffusers.LTXPipeline.__call__ = _short

if __name__ == "__main__":
    main()
