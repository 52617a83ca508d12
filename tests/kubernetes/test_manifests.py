"""What the manifests of ops/kubernetes hold: every process, its settings, its probes, its limits."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from metrics.families import RUNNABLE_OLDEST_SECONDS, VARIANTS_DUE_SECONDS
from schemas.enums import Queue
from schemas.settings import Settings
from schemas.stages import WORK
from tests.kubernetes.manifests import BASE, COMPONENT, EXAMPLE, Pod, Rendered, rendered, selected
from tests.support import variables_set
from workers.health import LONGEST_SECONDS, command_line
from workers.roles import ROLES, Role
from workers.supervisor import KILL_AFTER_SECONDS

WORKERS = {f"worker-{role}": role for role in Role}
NAMES = ["gateway", *WORKERS, "beat", "flower"]
SCALED = ["worker-provider", "worker-transfer", "worker-media", "worker-control"]
# The oldest release that docs/kubernetes.md names, and the newest that the schemas know.
VERSIONS = ["1.30", "1.37"]

EXAMPLE_DOCUMENTS = rendered(EXAMPLE)


@pytest.fixture
def example() -> Rendered:
    """The overlay to copy."""
    return EXAMPLE_DOCUMENTS


def by_name(document: dict[str, Any]) -> str:
    return f"{document['kind']}-{document['metadata']['name']}"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "document", [each for each in EXAMPLE_DOCUMENTS.documents if each["kind"] != "ScaledObject"], ids=by_name
)
def test_kubernetes_takes_a_document(document: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("name", SCALED)
def test_keda_takes_a_scaled_object(example: Rendered, name: str) -> None:
    schema = json.loads((Path(__file__).parent / "scaled-object.schema.json").read_text())

    errors = Draft202012Validator(schema).iter_errors(example.of_kind("ScaledObject")[name])
    assert [error.message for error in errors] == []


@pytest.mark.parametrize(
    ("kind", "break_it"),
    [
        ("Deployment", lambda spec: spec["template"]["spec"].pop("containers")),
        ("Deployment", lambda spec: spec.update(replica=3)),
        ("PodDisruptionBudget", lambda spec: spec.update(maxUnavailable=[1])),
        ("NetworkPolicy", lambda spec: spec.update(egres=[])),
    ],
)
def test_a_wrong_document_is_refused(kind: str, break_it: Any) -> None:
    document = json.loads(json.dumps(next(each for each in EXAMPLE_DOCUMENTS.documents if each["kind"] == kind)))
    break_it(document["spec"])

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, VERSIONS[0], strict=True)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda spec: spec.pop("triggers"),
        lambda spec: spec.update(minReplicas=1),
        lambda spec: spec["triggers"][0].update(metricType="Average"),
        lambda spec: spec["triggers"][0]["metadata"].update(threshold=5),
        lambda spec: spec["triggers"][0]["metadata"].pop("serverAddress"),
    ],
)
def test_a_wrong_scaled_object_is_refused(break_it: Any) -> None:
    schema = json.loads((Path(__file__).parent / "scaled-object.schema.json").read_text())
    document = json.loads(json.dumps(EXAMPLE_DOCUMENTS.of_kind("ScaledObject")[SCALED[0]]))
    break_it(document["spec"])

    assert list(Draft202012Validator(schema).iter_errors(document)) != []


def test_each_process_has_a_deployment_and_the_migration_a_job(example: Rendered) -> None:
    assert sorted(example.deployments) == sorted(NAMES)
    assert list(example.of_kind("Job")) == ["migrate"]
    commands = {name: pod.container["args"] for name, pod in example.pods.items()}
    assert commands == {
        **{name: [name] for name in ("gateway", "beat", "flower", "migrate")},
        **{name: ["worker", "--role", role] for name, role in WORKERS.items()},
    }


def test_the_base_has_all_that_the_example_has_but_what_is_the_clusters(example: Rendered) -> None:
    of_the_cluster = {"Namespace", "Secret", "Ingress", "ScaledObject"}

    base = {by_name(each) for each in rendered(BASE).documents}
    ours = {by_name(each) for each in example.documents if each["kind"] not in of_the_cluster}
    ours.remove("NetworkPolicy-to-collector")
    assert {re.sub(r"^(ConfigMap-\w+)-.*", r"\1", name) for name in base} == {
        re.sub(r"^(ConfigMap-\w+)-.*", r"\1", name) for name in ours
    }


def settings_of(pod: Pod, monkeypatch: pytest.MonkeyPatch, **changed: str) -> Settings:
    for name in variables_set():
        monkeypatch.delenv(name)
    for name, value in {**EXAMPLE_DOCUMENTS.environment(pod), **changed}.items():
        monkeypatch.setenv(
            name, value.replace("development-only-secret-key", "5f1c").replace("development-only", "5f1c")
        )
    return Settings(_env_file=None)


@pytest.mark.parametrize("name", [*NAMES, "migrate"])
def test_a_process_has_every_setting_that_it_must_have(
    example: Rendered, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(example.pods[name], monkeypatch)

    assert (settings.environment, settings.log_format) == ("production", "json")
    assert settings.database_url
    assert settings.redis_url
    assert settings.s3.endpoint
    assert settings.s3.access_key
    assert settings.public_url.startswith("https://")
    assert settings.flower_basic_auth.get_secret_value()


def test_each_process_has_its_own_user_of_redis(example: Rendered, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        user = settings_of(example.pods[name], monkeypatch).redis_url.partition("://")[2].partition(":")[0]
        assert user == name.removeprefix("worker-")


def test_production_refuses_the_secrets_of_the_example(example: Rendered, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables_set():
        monkeypatch.delenv(name)
    for name, value in example.environment(example.pods["gateway"]).items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None)

    refused = {error["loc"][0] for error in caught.value.errors()}
    assert refused == {"secret_key", "database_url", "redis_url", "s3", "flower_basic_auth"}


def test_ports_are_those_of_the_settings(example: Rendered, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(example.pods["gateway"], monkeypatch)

    assert example.pods["gateway"].ports == {"http": settings.gateway_port, "metrics": settings.metrics.port}
    assert example.pods["flower"].ports == {"http": settings.flower_port}
    for name in WORKERS:
        assert example.pods[name].ports == {"metrics": settings.metrics.port}
    assert {settings.gateway_host, settings.metrics.host, settings.flower_host} == {"0.0.0.0"}


def test_the_service_and_the_way_in_lead_to_the_gateway(example: Rendered) -> None:
    [service] = example.of_kind("Service").values()
    [ingress] = example.of_kind("Ingress").values()
    [rule] = ingress["spec"]["rules"]
    [path] = rule["http"]["paths"]
    settings = example.environment(example.pods["gateway"])

    assert [
        name for name, pod in example.pods.items() if service["spec"]["selector"].items() <= pod.labels.items()
    ] == ["gateway"]
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(example.pods["gateway"].ports)
    assert path["backend"]["service"] == {"name": "gateway", "port": {"name": "http"}}
    assert settings["REELWORKS_PUBLIC_URL"] == f"https://{rule['host']}"


@pytest.mark.parametrize("name", NAMES)
def test_a_process_is_probed(example: Rendered, name: str) -> None:
    pod = example.pods[name]
    # Routes of the gateway, of Flower, and of the port of the metrics.
    paths = {"gateway": {"/healthz", "/readyz"}, "flower": {"/healthcheck"}}.get(name, {"/targets"})

    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        check = pod.container[probe]
        if "httpGet" in check:
            assert check["httpGet"]["port"] in pod.ports
            assert check["httpGet"]["path"] in paths
            continue
        *interpreter, module = check["exec"]["command"][:3]
        options = command_line().parse_args(check["exec"]["command"][3:])
        assert (interpreter, module) == (["python", "-m"], "workers.health")
        assert getattr(options, "role", options.check) == name.removeprefix("worker-")
        # An interpreter starts, and then a check takes its longest time while Redis hangs.
        assert check["timeoutSeconds"] >= LONGEST_SECONDS + 15
        # Kubernetes would end every worker while Redis is away.
        assert options.redis_may_be_away == (probe != "readinessProbe")


def test_the_gateway_is_ready_only_with_its_services(example: Rendered) -> None:
    container = example.pods["gateway"].container

    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    documented = json.loads(Path("docs/openapi.json").read_text())["paths"]
    assert {"/healthz", "/readyz"} <= set(documented)


def test_a_pod_is_killed_only_after_its_process_had_its_time(
    example: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(example.pods["gateway"], monkeypatch)
    command, pause = example.pods["gateway"].container["lifecycle"]["preStop"]["exec"]["command"]

    assert command == "sleep"
    grace = example.pods["gateway"].pod["terminationGracePeriodSeconds"]
    assert grace > settings.gateway_drain_seconds + float(pause)
    for name in WORKERS:
        grace = example.pods[name].pod["terminationGracePeriodSeconds"]
        assert grace > settings.worker_drain_seconds + KILL_AFTER_SECONDS


@pytest.mark.parametrize("name", [*NAMES, "migrate"])
def test_a_pod_has_no_rights(example: Rendered, name: str) -> None:
    pod = example.pods[name].pod
    own = example.pods[name].container["securityContext"]
    user = re.search(r"^USER (\d+):(\d+)$", Path("Dockerfile").read_text(), re.MULTILINE)

    assert user is not None
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (int(user[1]), int(user[2]))
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert example.of_kind("ServiceAccount")[pod["serviceAccountName"]]["automountServiceAccountToken"] is False
    assert [key for key in ("hostNetwork", "hostPID", "hostIPC") if key in pod] == []


@pytest.mark.parametrize("name", [*NAMES, "migrate"])
def test_a_pod_has_limits_and_mounts_what_it_has(example: Rendered, name: str) -> None:
    pod, container = example.pods[name].pod, example.pods[name].container
    volumes = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"]}

    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert container["resources"]["limits"]["memory"]
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}
    assert container["image"] == "images.example.com/reelworks:0.1.0"


def test_flower_keeps_its_tasks_on_a_volume(example: Rendered) -> None:
    file = Path(example.environment(example.pods["flower"])["REELWORKS_FLOWER_STATE_FILE"])
    mounted = {mount["mountPath"] for mount in example.pods["flower"].container["volumeMounts"]}

    assert str(file.parent) in mounted


@pytest.mark.parametrize("name", NAMES)
def test_a_deployment_selects_its_own_pods_and_spreads_them(example: Rendered, name: str) -> None:
    selects = [
        other for other, pod in example.pods.items() if selected(example.pods[name].spec["selector"], pod.labels)
    ]

    assert selects == [name]
    assert example.pods[name].labels[COMPONENT] == name
    assert example.pods[name].spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    constraints = example.pods[name].pod["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in constraints} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    for each in constraints:
        assert selected(each["labelSelector"], example.pods[name].labels)
        assert COMPONENT in each["matchLabelKeys"]


def test_what_has_several_pods_loses_them_one_by_one(example: Rendered) -> None:
    several = {name for name, pod in example.deployments.items() if pod.spec.get("replicas") != 1}
    budgets = example.of_kind("PodDisruptionBudget")

    assert set(budgets) == several
    for name, budget in budgets.items():
        assert budget["spec"]["maxUnavailable"] == 1
        selects = [other for other, pod in example.pods.items() if selected(budget["spec"]["selector"], pod.labels)]
        assert selects == [name]


@pytest.mark.parametrize("name", SCALED)
def test_a_worker_is_scaled_by_what_is_due_in_its_stages(example: Rendered, name: str) -> None:
    """Never by what waits: for a place at a provider, for a provider, for a start."""
    spec = example.of_kind("ScaledObject")[name]["spec"]
    queues = ROLES[WORKERS[name]].queues
    stages = [stage.value for stage, work in WORK.items() if work.queue in queues]
    expected = [f'max({RUNNABLE_OLDEST_SECONDS.name}{{stage=~"{"|".join(stages)}"}})']
    if Queue.VARIANTS in queues:
        expected.append(f"max({VARIANTS_DUE_SECONDS.name})")

    assert [trigger["metadata"]["query"] for trigger in spec["triggers"]] == expected
    # Without figures, KEDA would take 0 and remove workers.
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in spec["triggers"]} == {"false"}
    assert spec["scaleTargetRef"] == {"name": name}
    assert 1 <= spec["minReplicaCount"] < spec["maxReplicaCount"]
    assert "replicas" not in example.pods[name].spec


def test_every_stage_is_scaled(example: Rendered) -> None:
    queries = [each["spec"]["triggers"][0]["metadata"]["query"] for each in example.of_kind("ScaledObject").values()]

    stages = [stage for query in queries for stage in re.search(r'"(.*)"', query)[1].split("|")]  # type: ignore[index]
    assert sorted(stages) == sorted(WORK)


def test_the_first_step_of_a_deploy_applies_all_that_the_migration_needs(example: Rendered) -> None:
    """The selector of docs/kubernetes.md."""
    [selector] = re.findall(r"app.kubernetes.io/component in \(([^)]*)\)", Path("docs/kubernetes.md").read_text())
    applied = {
        by_name(each)
        for each in example.documents
        if each["metadata"].get("labels", {}).get(COMPONENT) in selector.split(", ")
    }
    job = example.pods["migrate"]
    needed = {f"ServiceAccount-{job.pod['serviceAccountName']}", "Job-migrate", "Namespace-reelworks"}
    for source in job.container["envFrom"]:
        for kind, reference in source.items():
            needed.add(f"{ {'configMapRef': 'ConfigMap', 'secretRef': 'Secret'}[kind] }-{reference['name']}")

    assert needed <= applied
    assert not {name for name in applied if name.startswith(("Deployment", "ScaledObject"))}
