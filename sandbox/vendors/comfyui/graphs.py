"""Graphs in API format: their validation in the server's words, their order, and the file that they make."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import JsonValue

from sandbox.media import MediaSpec
from sandbox.task import JsonObject
from sandbox.vendors.comfyui.errors import FAILED_VALIDATION, ComfyError
from sandbox.vendors.comfyui.nodes import CLASSES, Field, NodeClass

_NUMBERS: Mapping[str, type[int] | type[float]] = {"INT": int, "FLOAT": float}
_FRAMES = ("length", "video_frames")
_LEAST_SIDE = 16
_USUAL_SIDE = 512
_USUAL_FRAME_RATE = 24.0


@dataclass(frozen=True)
class Graph:
    """A graph that the server accepted."""

    nodes: Mapping[str, JsonObject]
    """The nodes by id: `class_type` and `inputs`."""

    @cached_property
    def outputs(self) -> list[str]:
        """The nodes that save a file."""
        return [node for node in self.nodes if self.kind(node).saves]

    @cached_property
    def order(self) -> list[str]:
        """The nodes that the outputs need, each after those that it needs."""
        ordered: dict[str, None] = {}

        def visit(node: str) -> None:
            for source in self.sources(node):
                visit(source)
            ordered.setdefault(node)

        for output in self.outputs:
            visit(output)
        return list(ordered)

    def kind(self, node: str) -> NodeClass:
        """The class of a node."""
        return CLASSES[self.class_of(node)]

    def class_of(self, node: str) -> str:
        """The name of a node's class."""
        return str(self.nodes[node]["class_type"])

    def inputs(self, node: str) -> JsonObject:
        """The inputs of a node."""
        inputs = self.nodes[node].get("inputs")
        return inputs if isinstance(inputs, dict) else {}

    def sources(self, node: str) -> list[str]:
        """The nodes that a node links to."""
        return [str(value[0]) for value in self.inputs(node).values() if isinstance(value, list)]

    def steps(self, node: str) -> int:
        """The steps that a node counts. A node without steps counts one."""
        steps = self.inputs(node).get("steps")
        return steps if isinstance(steps, int) else 1

    def signature(self, node: str) -> str:
        """A text that equal nodes with equal ancestors share. The server's cache knows a node by it."""
        inputs = {
            name: [self.signature(str(value[0])), value[1]] if isinstance(value, list) else value
            for name, value in self.inputs(node).items()
        }
        return json.dumps([self.class_of(node), inputs], sort_keys=True)

    @cached_property
    def prompt(self) -> str:
        """Every text and file name of the graph, for scenarios and counts."""
        texts = (value for node in self.nodes for value in self.inputs(node).values() if isinstance(value, str))
        return "\n".join(texts)

    def spec(self, output: str) -> MediaSpec:
        """The file that an output saves, by the fields of the nodes before it."""
        saves = self.kind(output).saves or "png"
        width, height = self._number("width") or _USUAL_SIDE, self._number("height") or _USUAL_SIDE
        if saves == "png":
            return MediaSpec(format="png", width=_even(width), height=_even(height))
        frame_rate = self._number("fps") or _USUAL_FRAME_RATE
        frames = next((found for name in _FRAMES if (found := self._number(name))), 1)
        return MediaSpec(
            format="mp4",
            width=_even(width),
            height=_even(height),
            duration_seconds=frames / frame_rate,
            frame_rate=frame_rate,
        )

    def pictures(self) -> list[str]:
        """The names of the uploaded pictures that the graph loads."""
        return [str(self.inputs(node).get("image")) for node in self.order if self.class_of(node) == "LoadImage"]

    def _number(self, name: str) -> float | None:
        for node in self.order:
            value = self.inputs(node).get(name)
            if isinstance(value, int | float):
                return value
        return None


def _even(side: float) -> int:
    return max(_LEAST_SIDE, int(side) // 2 * 2)


def read_graph(prompt: JsonValue) -> Graph:
    """The graph of a create. Raises `ComfyError` 400 in the server's words."""
    if not isinstance(prompt, dict) or not prompt:
        raise ComfyError(400, "prompt_no_outputs", "Prompt has no outputs")
    nodes: dict[str, JsonObject] = {}
    for name, node in prompt.items():
        kind = node.get("class_type") if isinstance(node, dict) else None
        if not isinstance(node, dict) or kind not in CLASSES:
            text = f"Node '{kind}' not found. The custom node may not be installed."
            raise ComfyError(400, "missing_node_type", text, f"Node ID '#{name}'")
        nodes[name] = node
    graph = Graph(nodes)
    if not graph.outputs:
        raise ComfyError(400, "prompt_no_outputs", "Prompt has no outputs")
    _validate(graph)
    return graph


def _validate(graph: Graph) -> None:
    failures: dict[str, JsonValue] = {}
    details = ""
    for output in graph.outputs:
        for node in _reached(graph, output):
            missing = next((source for source in graph.sources(node) if source not in graph.nodes), None)
            errors: list[JsonValue]
            if missing is not None:
                # The recorded server reads the missing node, and tells of its own exception.
                details = f"Exception when validating node: '{missing}'"
                errors = [_error("exception_during_validation", "Exception when validating node", f"'{missing}'",
                                 exception_type="KeyError")]  # fmt: skip
            else:
                errors = list(_problems(graph, node))
            if errors:
                told: JsonObject = {"errors": errors, "dependent_outputs": [output], "class_type": graph.class_of(node)}
                failures.setdefault(node, told)
    if failures:
        text = "Prompt outputs failed validation"
        raise ComfyError(400, FAILED_VALIDATION, text, details, node_errors=failures)


def _reached(graph: Graph, output: str) -> list[str]:
    seen: dict[str, None] = {}
    waiting = [output]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen[node] = None
        waiting.extend(source for source in graph.sources(node) if source in graph.nodes)
    return list(seen)


def _problems(graph: Graph, node: str) -> Iterator[JsonValue]:
    inputs = graph.inputs(node)
    for name, field in graph.kind(node).fields.items():
        if name not in inputs:
            if field.is_required:
                yield _error("required_input_missing", "Required input is missing", name, input_name=name)
            continue
        value = inputs[name]
        if not isinstance(value, list):
            yield from _value_problems(name, field, value)
        elif field.is_link and (given := _type_of(graph, value)) != field.type:
            details = f"{name}, received_type({given}) mismatch input_type({field.type})"
            yield _error("return_type_mismatch", "Return type mismatch between linked nodes", details, input_name=name)


def _type_of(graph: Graph, link: list[JsonValue]) -> str:
    returns, place = graph.kind(str(link[0])).returns, link[1]
    return returns[place] if isinstance(place, int) and place < len(returns) else "*"


def _value_problems(name: str, field: Field, value: JsonValue) -> Iterator[JsonValue]:
    if field.is_link:
        yield _error("bad_linked_input", "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                     f"{name}", input_name=name, received_value=value)  # fmt: skip
        return
    number = _NUMBERS.get(field.type)
    if number is None:
        return
    told: JsonObject = {"input_name": name, "input_config": field.config, "received_value": value}
    try:
        read = number(value)  # type: ignore[arg-type]  # the server converts whatever came, too
    except (TypeError, ValueError) as error:
        text = f"Failed to convert an input value to a {field.type} value"
        yield _error("invalid_input_type", text, f"{name}, {value}, {error}", **told, exception_message=str(error))
        return
    if field.least is not None and read < field.least:
        text = f"Value {read} smaller than min of {field.least}"
        yield _error("value_smaller_than_min", text, name, **told)
    if field.most is not None and read > field.most:
        text = f"Value {read} bigger than max of {field.most}"
        yield _error("value_bigger_than_max", text, name, **told)


def _error(kind: str, message: str, details: str, **extra: JsonValue) -> JsonObject:
    return {"type": kind, "message": message, "details": details, "extra_info": extra}
