"""Who may talk to whom in a cluster: what the diagram of docs/architecture.md has, and nothing else."""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from providers.http.addresses import is_web_port
from tests.kubernetes.manifests import BASE, EXAMPLE, Labels, Rendered, rendered, selected
from workers.roles import Role

# The addresses of the example, and any address of the internet.
DATABASE, REDIS, STORE, INTERNET = "database", "redis", "store", "internet"
PLACES = {
    DATABASE: ("10.20.0.5", 5432),
    REDIS: ("10.20.0.6", 6379),
    STORE: ("10.20.0.7", 443),
    INTERNET: ("203.0.113.9", 443),
}
METADATA_SERVICE, OTHER_POD = ("169.254.169.254", 80), ("10.1.2.3", 443)

# The nodes of the diagram that are ours, and the places that the others are.
OURS = {
    "gateway": "gateway",
    "beat": "beat",
    "flower": "flower",
    **{role.value: f"worker-{role}" for role in Role},
}
OTHERS = {"pg": DATABASE, "redis": REDIS, "s3": STORE, "vendor": INTERNET, "service": INTERNET}

REACHES = {
    "gateway": {DATABASE, REDIS, STORE, INTERNET},
    "worker-provider": {DATABASE, REDIS, STORE, INTERNET},
    "worker-transfer": {DATABASE, REDIS, STORE, INTERNET},
    "worker-media": {DATABASE, REDIS, STORE},
    "worker-control": {DATABASE, REDIS},
    "worker-requests": {DATABASE, REDIS, STORE},
    "worker-notify": {DATABASE, REDIS, INTERNET},
    "beat": {REDIS},
    # For the commands of the operator on call.
    "flower": {DATABASE, REDIS, STORE},
    "migrate": {DATABASE, STORE},
}

EXAMPLE_DOCUMENTS = rendered(EXAMPLE)


def policies(documents: Rendered, labels: Labels, direction: str) -> list[dict[str, Any]]:
    """What stands under `spec` of the policies that hold for a pod in a direction."""
    found = [policy["spec"] for policy in documents.of_kind("NetworkPolicy").values()]
    return [spec for spec in found if direction in spec["policyTypes"] and selected(spec["podSelector"], labels)]


def may_reach(documents: Rendered, labels: Labels, address: str, port: int) -> bool:
    """Whether a pod may open a connection to an address outside the cluster."""
    rules = [rule for spec in policies(documents, labels, "Egress") for rule in spec.get("egress", [])]
    return any(_leads_to(rule, address) and _has_port(rule, port) for rule in rules)


def may_enter(documents: Rendered, labels: Labels, port: str, namespace: str) -> bool:
    """Whether a pod of a namespace may open a connection to a named port."""
    rules = [rule for spec in policies(documents, labels, "Ingress") for rule in spec.get("ingress", [])]
    from_there = [rule for rule in rules if _comes_from(rule, namespace)]
    return any(_has_port(rule, port) for rule in from_there)


def _leads_to(rule: dict[str, Any], address: str) -> bool:
    return "to" not in rule or any(_holds(peer["ipBlock"], address) for peer in rule["to"] if "ipBlock" in peer)


def _holds(block: dict[str, Any], address: str) -> bool:
    inside = ip_network(block["cidr"])
    if ip_address(address) not in inside:
        return False
    return not any(ip_address(address) in ip_network(part) for part in block.get("except", []))


def _comes_from(rule: dict[str, Any], namespace: str) -> bool:
    labels = {"kubernetes.io/metadata.name": namespace}
    return "from" not in rule or any(selected(peer["namespaceSelector"], labels) for peer in rule["from"])


def _has_port(rule: dict[str, Any], port: int | str) -> bool:
    if isinstance(port, str):
        return port in {each["port"] for each in rule["ports"]}
    numbers = [each for each in rule["ports"] if isinstance(each["port"], int)]
    return any(each["port"] <= port <= each.get("endPort", each["port"]) for each in numbers)


def edges() -> Iterator[tuple[str, str]]:
    """The arrows of the diagram."""
    text = Path("docs/architecture.md").read_text()
    diagram = re.search(r"```mermaid\nflowchart LR\n(.*?)```", text, re.DOTALL)
    assert diagram is not None
    for line in diagram[1].splitlines():
        sides = re.split(r"\s*(?:-->|-\.->)(?:\|[^|]*\|)?\s*", re.sub(r"\[[^\]]*\]", "", line.strip()))
        left, right = (re.split(r"\s*&\s*", side) for side in sides) if len(sides) == 2 else ([], [])
        for origin in left:
            for target in right:
                # A node may have a label: `a service`. The diagram names no node twice.
                if line.strip() and " " not in origin + target:
                    yield origin, target


def connections() -> set[tuple[str, str]]:
    """A process of ours and the place to which an arrow of the diagram makes it connect."""
    found = set()
    for origin, target in edges():
        for ours, other in ((origin, target), (target, origin)):
            # The vendor calls the gateway, and a service orders there or over Redis.
            is_called = ours == target and OTHERS.get(other) == INTERNET
            if ours in OURS and other in OTHERS and not is_called:
                found.add((OURS[ours], OTHERS[other]))
    return found


def test_the_diagram_is_read() -> None:
    assert len(list(edges())) > 20
    assert {("worker-transfer", STORE), ("worker-provider", INTERNET), ("beat", REDIS)} <= connections()


@pytest.mark.parametrize(("process", "place"), sorted(connections()))
def test_each_arrow_of_the_diagram_is_allowed(process: str, place: str) -> None:
    assert may_reach(EXAMPLE_DOCUMENTS, EXAMPLE_DOCUMENTS.pods[process].labels, *PLACES[place])


@pytest.mark.parametrize("process", REACHES)
def test_a_process_reaches_what_it_needs_and_nothing_else(process: str) -> None:
    labels = EXAMPLE_DOCUMENTS.pods[process].labels
    reached = {
        place for place, (address, port) in PLACES.items() if may_reach(EXAMPLE_DOCUMENTS, labels, address, port)
    }

    assert reached == REACHES[process]
    # Where the cluster keeps the credentials of its nodes, and what else runs there.
    assert not may_reach(EXAMPLE_DOCUMENTS, labels, *METADATA_SERVICE)
    assert not may_reach(EXAMPLE_DOCUMENTS, labels, *OTHER_POD)


@pytest.mark.parametrize("process", [process for process, places in REACHES.items() if INTERNET in places])
@pytest.mark.parametrize("port", [22, 80, 443, 1023, 1024, 8443, 65535])
def test_the_internet_is_open_at_the_ports_that_the_address_policy_takes(process: str, port: int) -> None:
    labels = EXAMPLE_DOCUMENTS.pods[process].labels

    assert may_reach(EXAMPLE_DOCUMENTS, labels, PLACES[INTERNET][0], port) == is_web_port(port)


@pytest.mark.parametrize("process", REACHES)
def test_without_an_overlay_a_process_reaches_its_services_wherever_they_are(process: str) -> None:
    labels = rendered(BASE).pods[process].labels
    for place in REACHES[process]:
        assert may_reach(rendered(BASE), labels, *PLACES[place])


def test_only_the_gateway_is_open_and_only_prometheus_reads_metrics() -> None:
    pods = EXAMPLE_DOCUMENTS.pods.values()
    entered = {
        (pod.name, port, namespace)
        for pod in pods
        for port in pod.ports
        for namespace in ("ingress-nginx", "monitoring", "another")
        if may_enter(EXAMPLE_DOCUMENTS, pod.labels, port, namespace)
    }

    assert {each for each in entered if each[1] == "http"} == {
        ("gateway", "http", namespace) for namespace in ("ingress-nginx", "monitoring", "another")
    }
    measured = {pod.name for pod in pods if "metrics" in pod.ports}
    assert {each for each in entered if each[1] == "metrics"} == {(name, "metrics", "monitoring") for name in measured}


@pytest.mark.parametrize("process", REACHES)
def test_a_pod_finds_names_and_may_do_nothing_that_no_policy_allows(process: str) -> None:
    labels = EXAMPLE_DOCUMENTS.pods[process].labels
    assert policies(EXAMPLE_DOCUMENTS, labels, "Ingress")
    [names] = [
        rule
        for spec in policies(EXAMPLE_DOCUMENTS, labels, "Egress")
        for rule in spec.get("egress", [])
        if any({"namespaceSelector", "podSelector"} == set(peer) for peer in rule.get("to", []))
    ]
    assert {(each["protocol"], each["port"]) for each in names["ports"]} == {("UDP", 53), ("TCP", 53)}


def test_flower_reaches_the_gateway_for_the_operator() -> None:
    [rule] = [
        rule
        for spec in policies(EXAMPLE_DOCUMENTS, EXAMPLE_DOCUMENTS.pods["flower"].labels, "Egress")
        for rule in spec.get("egress", [])
        if any(set(peer) == {"podSelector"} for peer in rule.get("to", []))
    ]
    [peer] = rule["to"]

    assert [name for name, pod in EXAMPLE_DOCUMENTS.pods.items() if selected(peer["podSelector"], pod.labels)] == [
        "gateway"
    ]
    assert _has_port(rule, "http")


@pytest.mark.parametrize("process", [name for name in REACHES if name != "migrate"])
def test_traces_of_the_example_leave_to_the_collector(process: str) -> None:
    """The namespace of the policy, and the port at which collectors take OTLP over HTTP."""
    labels = EXAMPLE_DOCUMENTS.pods[process].labels
    [rule] = [
        rule
        for spec in policies(EXAMPLE_DOCUMENTS, labels, "Egress")
        for rule in spec.get("egress", [])
        if _has_port(rule, 4318) and any("namespaceSelector" in peer for peer in rule.get("to", []))
    ]

    assert [each["namespaceSelector"]["matchLabels"] for each in rule["to"]] == [
        {"kubernetes.io/metadata.name": "monitoring"}
    ]
