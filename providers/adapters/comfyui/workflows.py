"""Workflow templates: graphs in ComfyUI's API format whose node titles mark the fields that an order fills.

A title contains marks such as `reelworks:prompt=text`: the order's prompt goes into the node's field `text`.
`reelworks:seed` is short for `reelworks:seed=seed`. `reelworks:output` marks the node that saves the result. Titles are
edited in ComfyUI, and "Export (API)" writes them to `_meta.title` (https://docs.comfy.org/development/core-concepts/workflow).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import JsonValue

EXAMPLES: Final = Path(__file__).parent / "examples"
"""The templates that Reelworks ships: for the sandbox, and to start from."""

PREFIX_FIELD: Final = "filename_prefix"
_OUTPUT: Final = "output"
_MARK: Final = re.compile(r"reelworks:(?P<name>[\w-]*)(?:=(?P<field>\S+))?")
_SUFFIX: Final = ".json"

Node = dict[str, JsonValue]


class Named(StrEnum):
    """An input that a template can mark."""

    PROMPT = "prompt"
    NEGATIVE_PROMPT = "negative_prompt"
    WIDTH = "width"
    HEIGHT = "height"
    FRAMES = "frames"
    FPS = "fps"
    SEED = "seed"
    MOTION = "motion"
    IMAGE = "image"


_TEXTS: Final = frozenset({Named.PROMPT, Named.NEGATIVE_PROMPT, Named.IMAGE})


class WorkflowError(ValueError):
    """A template or its folder is wrong. The text names the file, the node and the remedy."""


@dataclass(frozen=True)
class Place:
    """A field of a node."""

    node: str
    """The node's id."""

    field: str
    """The name of the field."""


@dataclass(frozen=True)
class Workflow:
    """A template that was read and checked."""

    name: str
    """The name: that of the file without `.json`. A route's `model` names it."""

    nodes: Mapping[str, Node]
    """The nodes by id."""

    places: Mapping[Named, tuple[Place, ...]]
    """The marked fields of each input. An input can have several."""

    output: str
    """The id of the node that saves the result."""

    def own(self, name: Named) -> float | None:
        """The template's own number of a marked input; None if the input is not marked."""
        places = self.places.get(name, ())
        value = _inputs(self.nodes[places[0].node])[places[0].field] if places else None
        return value if isinstance(value, int | float) else None

    def filled(self, values: Mapping[Named, list[JsonValue]], *, prefix: str) -> dict[str, JsonValue]:
        """The graph for an order, without titles.

        Args:
            values: the value of each marked field of an input; a single value serves all fields. A field without a
                value keeps that of the template.
            prefix: the prefix of the result's file name.
        """
        changes = {Place(self.output, PREFIX_FIELD): prefix}
        filled: dict[Place, JsonValue] = {**changes}
        for name, given in values.items():
            places = self.places[name]
            filled |= zip(places, given if len(given) > 1 else given * len(places), strict=False)
        return {
            node: {
                "class_type": content["class_type"],
                "inputs": {
                    field: filled.get(Place(node, field), value) for field, value in _inputs(content).items()
                },
            }
            for node, content in self.nodes.items()
        }  # fmt: skip


def read_folder(folder: Path) -> dict[str, Workflow]:
    """The templates of a folder, by name: its files `NAME.json`.

    Raises:
        WorkflowError: the folder does not exist or has no template, or a template is wrong.
    """
    if not folder.is_dir():
        raise WorkflowError(f"{folder} is no folder: name the folder with your workflows in API format")
    files = sorted(folder.glob(f"*{_SUFFIX}"))
    if not files:
        raise WorkflowError(f"{folder} has no workflow: add one as NAME.json for each model to offer")
    return {file.name.removesuffix(_SUFFIX): read_file(file) for file in files}


def read_file(file: Path) -> Workflow:
    """A template.

    Raises:
        WorkflowError: the template is wrong.
    """
    try:
        content: JsonValue = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorkflowError(f"{file.name} is not readable JSON: {error}") from None
    if not isinstance(content, dict):
        raise WorkflowError(f"{file.name} is no workflow: the top of the file must be an object of nodes")
    if isinstance(content.get("nodes"), list):
        raise WorkflowError(f"{file.name} is in the editor's format: export it with Workflow > Export (API)")
    return _Reader(file.name, content).read()


class _Reader:
    """Reads the marks of one file."""

    def __init__(self, file: str, content: Mapping[str, JsonValue]) -> None:
        self._file = file
        self._nodes = {node: self._node(node, value) for node, value in content.items()}

    def read(self) -> Workflow:
        places: dict[Named, list[Place]] = {}
        outputs: list[str] = []
        for node, name, field in self._marks():
            if name == _OUTPUT:
                outputs.append(node)
                continue
            named = self._named(node, name)
            self._check_value(node, field or named, named)
            places.setdefault(named, []).append(Place(node, field or named))
        output = self._output(outputs)
        self._check_links()
        self._check_together(places)
        marked = {name: tuple(found) for name, found in places.items()}
        return Workflow(self._file.removesuffix(_SUFFIX), self._nodes, marked, output)

    def _node(self, node: str, value: JsonValue) -> Node:
        if isinstance(value, dict) and isinstance(value.get("class_type"), str) and "inputs" in value:
            return value
        raise WorkflowError(f"{self._file}: node {node} needs `class_type` and `inputs`: export with Export (API)")

    def _marks(self) -> Iterator[tuple[str, str, str | None]]:
        """The node, the name and the field of each mark."""
        for node, content in self._nodes.items():
            meta = content.get("_meta")
            title = meta.get("title") if isinstance(meta, dict) else None
            for mark in _MARK.finditer(title if isinstance(title, str) else ""):
                yield node, mark["name"], mark["field"]

    def _named(self, node: str, name: str) -> Named:
        try:
            return Named(name)
        except ValueError:
            known = ", ".join([*Named, _OUTPUT])
            text = f"{self._file}: node {node} marks {name!r}, which is no input; inputs are {known}"
            raise WorkflowError(text) from None

    def _check_value(self, node: str, field: str, named: Named) -> None:
        inputs = _inputs(self._nodes[node])
        mark = f"{self._file}: node {node} ({self._nodes[node]['class_type']}) marks {named} at its field '{field}'"
        if field not in inputs:
            has = ", ".join(inputs) or "none"
            raise WorkflowError(f"{mark}, which it does not have; its fields are: {has}. Write reelworks:{named}=FIELD")
        value = inputs[field]
        if isinstance(value, list):
            raise WorkflowError(f"{mark}, which is a link to node {value[0]}: mark the node where the value stands")
        is_right = isinstance(value, str) if named in _TEXTS else _is_number(value)
        if not is_right:
            kind = "a text" if named in _TEXTS else "a number"
            raise WorkflowError(f"{mark}, which must be {kind}, not {value!r}")

    def _output(self, outputs: list[str]) -> str:
        if len(outputs) != 1:
            found = f"nodes {', '.join(outputs)}" if outputs else "no node"
            raise WorkflowError(
                f"{self._file}: {found} marked reelworks:output: mark the one node that saves the result"
            )
        prefix = _inputs(self._nodes[outputs[0]]).get(PREFIX_FIELD)
        if not isinstance(prefix, str):
            # With a prefix of its own, each run saves a file of its own: the cache never answers with an older one.
            raise WorkflowError(
                f"{self._file}: the output node {outputs[0]} needs a field {PREFIX_FIELD!r} with a text, as SaveImage "
                "and SaveVideo have"
            )
        return outputs[0]

    def _check_links(self) -> None:
        for node, content in self._nodes.items():
            for field, value in _inputs(content).items():
                if isinstance(value, list) and value and str(value[0]) not in self._nodes:
                    raise WorkflowError(
                        f"{self._file}: node {node} links {field!r} to node {value[0]}, which is missing"
                    )

    def _check_together(self, places: Mapping[Named, object]) -> None:
        if Named.PROMPT not in places and Named.IMAGE not in places:
            raise WorkflowError(f"{self._file} marks neither a prompt nor an image: an order would change nothing")
        if (Named.WIDTH in places) is not (Named.HEIGHT in places):
            raise WorkflowError(f"{self._file}: mark width and height, or neither")
        if Named.FRAMES in places and Named.FPS not in places:
            raise WorkflowError(f"{self._file} marks frames without fps: the length of an order is in seconds")


def _inputs(node: Node) -> dict[str, JsonValue]:
    inputs = node["inputs"]
    return inputs if isinstance(inputs, dict) else {}


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
