"""The stack of Docker Compose: hardened, closed to other machines, complete, without a password in the file."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
import yaml

import config
from ci_cd_testing_deployment.docker.images import IMAGES
from config import ROOT
from tests.architecture.tree import read

_FOLDER: Final = "ci_cd_testing_deployment/docker"
_STACK: Final[dict[str, Any]] = yaml.safe_load(read(f"{_FOLDER}/compose.yaml"))
SERVICES: Final[dict[str, dict[str, Any]]] = _STACK["services"]
SERVERS: Final = {"kafka", "redis", "postgres", "cassandra", "elasticsearch", "prometheus", "grafana"}
# They end, and tell by their exit code how it went.
JOBS: Final = {"topics", "migrate", "producer", "trainer"}
_VARIABLES: Final = {
    f"{group.model_config['env_prefix']}{name}".upper() for group in config.GROUPS for name in group.model_fields
}


def is_ours(service: str) -> bool:
    return str(SERVICES[service]["image"]).startswith("fraudstream/")


def test_every_image_of_the_product_is_in_the_stack() -> None:
    used = {found["image"] for found in SERVICES.values() if found["image"].startswith("fraudstream/")}
    assert used == {f"fraudstream/{image.name}:dev" for image in IMAGES}


def test_servers_are_public_images_at_a_version() -> None:
    foreign = {name: found["image"] for name, found in SERVICES.items() if not is_ours(name)}
    assert set(foreign) == SERVERS
    assert {name for name, image in foreign.items() if not re.fullmatch(r"[a-z/]+:v?\d[\d.]*", image)} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_container_can_do_no_more_than_it_must(service: str) -> None:
    found = SERVICES[service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert not found.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}


@pytest.mark.parametrize("service", [name for name in SERVICES if is_ours(name)])
def test_own_image_runs_as_its_user_and_is_never_pulled(service: str) -> None:
    assert SERVICES[service]["user"] == "10001:10001"
    assert SERVICES[service]["pull_policy"] == "never"


def test_ports_are_open_on_the_loopback_alone() -> None:
    open_to_all = {
        f"{name}: {port}"
        for name, found in SERVICES.items()
        for port in found.get("ports", ())
        if not port.startswith("127.0.0.1:")
    }
    assert open_to_all == set()


def test_no_password_stands_in_the_file() -> None:
    secret = re.compile(r"PASSWORD|_URL$|_DSN$|AUTH")
    literal = {
        f"{name}: {key}"
        for name, found in SERVICES.items()
        for key, value in found.get("environment", {}).items()
        if secret.search(key) and not re.search(r"\$\{[A-Z]+_PASSWORD:\?", value)
    }
    assert literal == set()


def test_script_makes_every_password_that_the_file_asks_for() -> None:
    asked = set(re.findall(r"\$\{([A-Z]+)_PASSWORD:\?", read(f"{_FOLDER}/compose.yaml")))
    made = re.search(r"for name in ([A-Z ]+); do", read(f"{_FOLDER}/compose.sh"))
    assert made is not None
    assert set(made[1].split()) == asked


def test_settings_are_known_to_the_product() -> None:
    unknown = {
        f"{name}: {key}"
        for name, found in SERVICES.items()
        for key in found.get("environment", {})
        if key.startswith("FRAUD_") and key not in _VARIABLES
    }
    assert unknown == set()


def test_what_is_waited_for_can_be_told() -> None:
    """A server has a health check of its own here, an image of the product brings one, a job ends."""
    for name, found in SERVICES.items():
        for other, wanted in found.get("depends_on", {}).items():
            condition = wanted["condition"]
            told = other in JOBS if condition == "service_completed_successfully" else other not in JOBS
            assert told, f"{name} waits for {other} by {condition}"
    assert {name for name in SERVICES if not is_ours(name) and "healthcheck" not in SERVICES[name]} == set()


def test_topics_and_schema_come_first() -> None:
    for service in ("decision-api", "pipeline", "sink", "dashboard-api"):
        assert {"topics", "migrate"} <= set(SERVICES[service]["depends_on"]), service


def test_what_has_no_reader_yet_starts_only_when_asked_for() -> None:
    assert SERVICES["cassandra"]["profiles"] == ["cassandra"]
    assert SERVICES["elasticsearch"]["profiles"] == ["elasticsearch"]


def test_files_that_are_mounted_are_there() -> None:
    mounted = {
        volume.split(":")[0] for found in SERVICES.values() for volume in found.get("volumes", ()) if volume[0] == "."
    }
    assert mounted != set()
    assert {path for path in mounted if not (ROOT / _FOLDER / path).exists()} == set()


def test_dashboard_is_fed_by_the_stack() -> None:
    """Grafana finds the data source that the provisioned file names, and Prometheus the API under its own name."""
    source = yaml.safe_load(read(f"{_FOLDER}/compose/datasource.yaml"))["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    jobs = yaml.safe_load(read(f"{_FOLDER}/compose/prometheus.yaml"))["scrape_configs"]
    targets = {target for job in jobs for static in job["static_configs"] for target in static["targets"]}
    assert {target.split(":")[0] for target in targets} <= {*SERVICES, "localhost"}
