"""The manifests of ops/kubernetes, as `kubectl kustomize` renders them."""

import base64
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path("ops/kubernetes")
BASE, EXAMPLE = FOLDER / "base", FOLDER / "example"
COMPONENT = "app.kubernetes.io/component"

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Pod:
    """A Deployment or Job with its one container."""

    name: str
    """The name of the Deployment or Job."""
    kind: str
    """`Deployment` or `Job`."""
    spec: dict[str, Any]
    """What stands under `spec` of the Deployment or Job."""

    @property
    def labels(self) -> Labels:
        """The labels of the pod."""
        labels: Labels = self.spec["template"]["metadata"]["labels"]
        return labels

    @property
    def pod(self) -> dict[str, Any]:
        """What stands under `spec` of the pod."""
        pod: dict[str, Any] = self.spec["template"]["spec"]
        return pod

    @property
    def container(self) -> dict[str, Any]:
        """The container."""
        container: dict[str, Any]
        [container] = self.pod["containers"]
        return container

    @property
    def ports(self) -> dict[str, int]:
        """The ports of the container by their names."""
        return {port["name"]: port["containerPort"] for port in self.container.get("ports", [])}


@dataclass(frozen=True)
class Rendered:
    """All documents of a folder."""

    documents: tuple[dict[str, Any], ...]
    """The documents."""

    def of_kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """The documents of a kind by their names."""
        return {each["metadata"]["name"]: each for each in self.documents if each["kind"] == kind}

    @property
    def pods(self) -> dict[str, Pod]:
        """Everything that runs, by name."""
        found = [(kind, name, each) for kind in ("Deployment", "Job") for name, each in self.of_kind(kind).items()]
        return {name: Pod(name, kind, each["spec"]) for kind, name, each in found}

    @property
    def deployments(self) -> dict[str, Pod]:
        """What stays up, by name."""
        return {name: pod for name, pod in self.pods.items() if pod.kind == "Deployment"}

    def environment(self, pod: Pod) -> dict[str, str]:
        """The variables of a container, with what its ConfigMap and its Secrets hold."""
        values: dict[str, str] = {}
        for source in pod.container["envFrom"]:
            [(kind, name)] = ((kind, reference["name"]) for kind, reference in source.items())
            values |= self._values(kind.removesuffix("Ref"), name)
        for variable in pod.container.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            values[variable["name"]] = (
                self._values("secret", reference["name"])[reference["key"]] if reference else variable["value"]
            )
        return values

    def _values(self, kind: str, name: str) -> dict[str, str]:
        data: dict[str, str]
        if kind == "configMap":
            data = self.of_kind("ConfigMap")[name]["data"]
            return data
        encoded: dict[str, str] = self.of_kind("Secret")[name]["data"]
        return {key: _decoded(value) for key, value in encoded.items()}


def selected(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Whether a selector of labels, which has `matchLabels` only, selects what has these labels."""
    assert set(selector) <= {"matchLabels"}
    wanted: Labels = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


@cache
def rendered(folder: Path) -> Rendered:
    """The documents of a folder. Render once: the documents are only read.

    Raises:
        CalledProcessError: kustomize refuses the folder.
        RuntimeError: kubectl is not installed.
    """
    if shutil.which("kubectl") is None:
        raise RuntimeError("install kubectl 1.27 or newer: the tests of ops/kubernetes run `kubectl kustomize`")
    done = subprocess.run(["kubectl", "kustomize", str(folder)], check=True, capture_output=True, text=True)
    return Rendered(tuple(_documents(done.stdout)))


def _documents(text: str) -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load_all(text)


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode()
