"""Prometheus, Alertmanager and Grafana in `compose.yaml`."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit import compose_file
from tests.unit.compose_file import GIVEN, METRICS, Compose
from workers.roles import Role


@pytest.fixture(scope="module")
def compose() -> Compose:
    """The file with nothing but the required variables."""
    return compose_file.read(GIVEN)


def test_metrics_are_seen_behind_a_login_on_loopback_only() -> None:
    services = compose_file.read({**GIVEN, "PUBLISH_ADDRESS": "0.0.0.0"}).services

    assert [name for name in METRICS if services[name].profiles != ["metrics"]] == []
    assert {name: services[name].ports for name in METRICS if services[name].ports} == {
        "grafana": ["127.0.0.1:3000:3000"]
    }


@pytest.mark.parametrize("password", ["", "given"])
def test_grafana_does_not_start_without_a_password(password: str) -> None:
    grafana = compose_file.read({**GIVEN, "GRAFANA_PASSWORD": password}).services["grafana"]
    # The image's own command is replaced; the entrypoint is the file's.
    command = [*grafana.entrypoint, "echo", "started"]

    ran = subprocess.run(
        command, env={**os.environ, **grafana.environment}, capture_output=True, text=True, check=False
    )

    if password:
        assert (ran.returncode, ran.stdout) == (0, "started\n")
    else:
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith("set GRAFANA_PASSWORD in .env")


def test_grafana_finds_its_sources_and_our_dashboards(compose: Compose) -> None:
    mounts = dict(mount.split(":")[:2] for mount in compose.services["grafana"].volumes)
    folder = Path(mounts["./ops/provisioning"].removeprefix("/etc/grafana/"))
    sources = yaml.safe_load(Path("ops/provisioning/datasources/reelworks.yml").read_text())["datasources"]
    [provider] = yaml.safe_load(Path("ops/provisioning/dashboards/reelworks.yml").read_text())["providers"]

    assert str(folder) == "provisioning"
    assert provider["options"]["path"] == mounts["./ops/grafana"]
    addresses = {source["type"]: source["url"].removeprefix("http://").split(":") for source in sources}
    for kind, (host, port) in addresses.items():
        check = compose.services[host].healthcheck
        assert kind == host
        assert check is not None
        assert f":{port}/" in check.test[-1]
    assert [source["type"] for source in sources if source.get("isDefault")] == ["prometheus"]


def test_prometheus_reads_each_container_of_ours(compose: Compose) -> None:
    mounts = dict(mount.split(":")[:2] for mount in compose.services["prometheus"].volumes)
    configuration = yaml.safe_load(Path("ops/prometheus/compose.yml").read_text())
    [job] = configuration["scrape_configs"]
    [names] = job["dns_sd_configs"]
    settings = compose.services["gateway"].environment

    assert f"--config.file={mounts['./ops/prometheus']}/compose.yml" in compose.services["prometheus"].command
    assert set(names["names"]) == {"gateway", *(f"worker-{role}" for role in Role)}
    assert names["port"] == int(settings["REELWORKS_METRICS__PORT"])
    assert configuration["rule_files"] == ["alerts.yml"]
    [[alertmanager]] = [each["targets"] for each in configuration["alerting"]["alertmanagers"][0]["static_configs"]]
    assert alertmanager.split(":")[0] in METRICS
    for name in names["names"]:
        assert set(compose.services[name].networks) & set(compose.services["prometheus"].networks)
