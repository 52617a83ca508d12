"""The command, with a pipeline that has the bad luck that its prompt asks for.

Run as `python -m tests.gpu.unlucky model-server …`. A failed allocation on a CPU raises another error than on a GPU, so
the pipeline raises the GPU's.
"""

import functools
import threading
import time
from typing import Any

import diffusers
import torch

from cli.main import main
from model_server import runner

SLOW_SECONDS = 25.0
"""How long the first step of a slow job takes. The server looks each second whether a step is too long."""

_call = diffusers.LTXPipeline.__call__


def _broken(_device: str) -> None:
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


@functools.wraps(_call)
def _unlucky(self: Any, prompt: str | None = None, **arguments: Any) -> Any:
    match prompt:
        case "too large for this device":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80.00 GiB.")
        case "breaks":
            raise ValueError("a broken pipeline")
        case "is slow":
            time.sleep(SLOW_SECONDS)
        case "breaks the device":
            # The device of the tests is a CPU, so the GPU's answer to every later call is played.
            vars(runner)["check_device"] = _broken
            _broken("cpu")
        case "hangs":
            threading.Event().wait()
    return _call(self, prompt=prompt, **arguments)


diffusers.LTXPipeline.__call__ = _unlucky

if __name__ == "__main__":
    main()
