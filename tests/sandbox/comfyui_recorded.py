"""What a real ComfyUI server answered, in a small form: requests, answers and websocket messages, as recorded.

`A`, `B` and so on stand for ids of prompts, `MS` for a time in Unix milliseconds, `FILE` for the name of a saved file.
"""

from collections.abc import Mapping
from typing import Any

A, B, C, D, E = "A", "B", "C", "D", "E"
MS = "MS"
FILE = "FILE"

Json = Any


def graph(seed: int, *, steps: int = 4, seconds: float = 0.1, fail: bool = False) -> dict[str, Json]:
    """The recorded graph: an empty picture, a node that counts steps, and a node that saves."""
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 9}},
        "3": {
            "class_type": "RWSteps",
            "inputs": {"images": ["1", 0], "steps": steps, "seconds": seconds, "seed": seed, "fail": fail},
        },
        "2": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "st"}},
    }


SUCCESS, FAILURE = graph(1), graph(2, steps=2, seconds=0.05, fail=True)
LONG, WAITING = graph(3, steps=1000), graph(4)

_OUTPUT = {"2": {"images": [{"filename": FILE, "subfolder": "", "type": "output"}]}}
_META = {"2": {"node_id": "2", "display_node": "2", "parent_node": None, "real_node_id": "2"}}


def accepted(prompt_id: str, number: int) -> Json:
    return {"prompt_id": prompt_id, "number": number, "node_errors": {}}


def record(number: int, prompt_id: str, sent: Json) -> Json:
    return [number, prompt_id, sent, {"client_id": "rw1"}, ["2"]]


def entry(number: int, prompt_id: str, sent: Json, word: str, cached: list[str], end: list[Json]) -> Json:
    messages = [
        ["execution_start", {"prompt_id": prompt_id, "timestamp": MS}],
        ["execution_cached", {"nodes": cached, "prompt_id": prompt_id, "timestamp": MS}],
        end,
    ]
    is_good = word == "success"
    return {
        prompt_id: {
            "prompt": record(number, prompt_id, sent),
            "outputs": _OUTPUT if is_good else {},
            "status": {"status_str": word, "completed": is_good, "messages": messages},
            "meta": _META if is_good else {},
        }
    }


def success(number: int, prompt_id: str, cached: list[str]) -> Json:
    end = ["execution_success", {"prompt_id": prompt_id, "timestamp": MS}]
    return entry(number, prompt_id, SUCCESS, "success", cached, end)


# The tensor of the linked input is left out.
ERROR = {
    "prompt_id": C,
    "node_id": "3",
    "node_type": "RWSteps",
    "executed": [],
    "exception_message": "rw: no\n",
    "exception_type": "RuntimeError",
    "current_inputs": {"steps": [2], "seconds": [0.05], "seed": [2], "fail": [True]},
    "current_outputs": ["1", "3", "2"],
    "timestamp": MS,
}
INTERRUPTED = {"prompt_id": D, "node_id": "3", "node_type": "RWSteps", "executed": [], "timestamp": MS}

REFUSALS: list[tuple[Json, int, Json]] = [
    (
        {"prompt": {"2": {"class_type": "SaveImage", "inputs": {"images": ["9", 0], "filename_prefix": "x"}}}},
        400,
        {
            "error": {
                "type": "prompt_outputs_failed_validation",
                "message": "Prompt outputs failed validation",
                "details": "Exception when validating node: '9'",
                "extra_info": {},
            },
            "node_errors": {
                "2": {
                    "errors": [
                        {
                            "type": "exception_during_validation",
                            "message": "Exception when validating node",
                            "details": "'9'",
                            "extra_info": {"exception_type": "KeyError"},
                        }
                    ],
                    "dependent_outputs": ["2"],
                    "class_type": "SaveImage",
                }
            },
        },
    ),
    (
        {"prompt": {**WAITING, "1": {"class_type": "EmptyImage", "inputs": {**WAITING["1"]["inputs"], "width": "x"}}}},
        400,
        {
            "error": {
                "type": "prompt_outputs_failed_validation",
                "message": "Prompt outputs failed validation",
                "details": "",
                "extra_info": {},
            },
            "node_errors": {
                "1": {
                    "errors": [
                        {
                            "type": "invalid_input_type",
                            "message": "Failed to convert an input value to a INT value",
                            "details": "width, x, invalid literal for int() with base 10: 'x'",
                            "extra_info": {
                                "input_name": "width",
                                "input_config": ["INT", {"default": 512, "min": 1, "max": 16384, "step": 1}],
                                "received_value": "x",
                                "exception_message": "invalid literal for int() with base 10: 'x'",
                            },
                        }
                    ],
                    "dependent_outputs": ["2"],
                    "class_type": "EmptyImage",
                }
            },
        },
    ),
    (
        {},
        400,
        {
            "error": {
                "type": "no_prompt",
                "message": "No prompt provided",
                "details": "No prompt provided",
                "extra_info": {},
            },
            "node_errors": {},
        },
    ),
]
"""Creates that were refused: body, HTTP status, answer."""


def _status(remaining: int, **more: str) -> Json:
    return {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": remaining}}, **more}}


def _of(kind: str, prompt_id: str, **data: Json) -> Json:
    return {"type": kind, "data": {**data, "prompt_id": prompt_id}}


def _node(prompt_id: str, node: str, value: float, most: float, state: str) -> Json:
    return {
        "value": value, "max": most, "state": state, "node_id": node, "prompt_id": prompt_id,
        "display_node_id": node, "parent_node_id": None, "real_node_id": node,
    }  # fmt: skip


def _nodes(prompt_id: str, *nodes: tuple[str, float, float, str]) -> Json:
    states = {name: _node(prompt_id, name, value, most, state) for name, value, most, state in nodes}
    return _of("progress_state", prompt_id, nodes=states)


def _executing(prompt_id: str, node: str) -> Json:
    return _of("executing", prompt_id, node=node, display_node=node)


_IMAGE, _STEPS, _SAVED = ("1", 1, 1, "finished"), ("3", 4, 4, "finished"), ("2", 1, 1, "finished")


def _step(step: int) -> list[Json]:
    return [
        _nodes(A, _IMAGE, ("3", step, 4, "running")),
        _of("progress", A, value=step, max=4, node="3"),
    ]


MESSAGES: Mapping[str, list[Json]] = {
    "hello": [_status(0, sid="rw1")],
    A: [
        _status(1),
        _status(1),
        _of("execution_start", A, timestamp=MS),
        _of("execution_cached", A, nodes=[], timestamp=MS),
        _nodes(A, ("1", 0, 1, "running")),
        _executing(A, "1"),
        _nodes(A, _IMAGE),
        _nodes(A, _IMAGE, ("3", 0, 1, "running")),
        _executing(A, "3"),
        *_step(1),
        *_step(2),
        *_step(3),
        *_step(4),
        _nodes(A, _IMAGE, _STEPS),
        _nodes(A, _IMAGE, _STEPS, ("2", 0, 1, "running")),
        _executing(A, "2"),
        _of("executed", A, node="2", display_node="2", output=_OUTPUT["2"]),
        _nodes(A, _IMAGE, _STEPS, _SAVED),
        _of("execution_success", A, timestamp=MS),
        _status(0),
        _of("executing", A, node=None),
    ],
    B: [
        _status(1),
        _status(1),
        _of("execution_start", B, timestamp=MS),
        _of("execution_cached", B, nodes=["1", "3", "2"], timestamp=MS),
        _of("executed", B, node="2", display_node="2", output=_OUTPUT["2"]),
        _nodes(B, _SAVED),
        _of("execution_success", B, timestamp=MS),
        _status(0),
        _of("executing", B, node=None),
    ],
    C: [
        _status(1),
        _status(1),
        _of("execution_start", C, timestamp=MS),
        _of("execution_cached", C, nodes=["1"], timestamp=MS),
        _nodes(C, ("3", 0, 1, "running")),
        _executing(C, "3"),
        _nodes(C, ("3", 1, 2, "running")),
        _of("progress", C, value=1, max=2, node="3"),
        _nodes(C, ("3", 2, 2, "running")),
        _of("progress", C, value=2, max=2, node="3"),
        {"type": "execution_error", "data": ERROR},
        _status(0),
        _of("executing", C, node=None),
    ],
}
"""The messages from the create to the end of each prompt, in their order. `B` has the graph of `A`."""
