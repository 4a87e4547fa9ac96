"""An engine with the product's images, servers beside it, and the product running on them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import ExecWaitStrategy, HealthcheckWaitStrategy

from ci_cd_testing_deployment.docker.images import image
from ci_cd_testing_deployment.local.kafka_server import KafkaServer
from ci_cd_testing_deployment.local.stack import LocalStack
from data_pipeline.history.generate import write_history
from data_pipeline.synthetic.world import WorldSpec
from tests.fixtures.services import guarded_run_dir, skipped_without_programs
from tests.ship.images.product.containers import TAG, USER, address_of, docker, finish, gateway_of, hardened

_HERE: Final = Path(__file__).parent
_PASSWORD: Final = "p:w'd/of@tests"
_FIGURES: dict[str, object] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of the folder belongs to shipping."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.ship)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures, after the list of skips."""
    if _FIGURES:
        terminalreporter.write_line(json.dumps(_FIGURES, sort_keys=True))


@pytest.fixture(scope="session")
def figures() -> dict[str, object]:
    """What was measured; printed as one line of JSON at the end."""
    return _FIGURES


@pytest.fixture(scope="session")
def built() -> Callable[[str], str]:
    """Tag of an image of the product; skips where it has not been built."""
    try:
        tags = set(docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no container engine answers: ci_cd_testing_deployment/docker/test.sh starts one")

    def find(name: str) -> str:
        tag = f"fraudstream/{image(name).name}:{TAG}"
        if tag not in tags:
            pytest.skip(f"the engine has no image {tag}: ci_cd_testing_deployment/docker/build.sh {name}")
        return tag

    return find


@pytest.fixture(scope="session")
def network(built: Callable[[str], str]) -> Iterator[Network]:  # noqa: ARG001 - there has to be an engine
    with Network() as made:
        yield made


@pytest.fixture(scope="session")
def kafka(network: Network) -> Iterator[str]:
    """A broker of the local stack, at the address that this machine has on the containers' network."""
    run_dir = guarded_run_dir("images")
    with (
        skipped_without_programs(),
        LocalStack(run_dir, services=[KafkaServer(gateway_of(network))], steps=()) as stack,
    ):
        stack.up()
        yield stack.settings()["FRAUD_KAFKA_BOOTSTRAP_SERVERS"]


@pytest.fixture(scope="session")
def postgres(network: Network) -> Iterator[str]:
    """DSN of an empty database; its password has what a URL must escape."""
    server = PostgresContainer("postgres:15", username="fraud", password=_PASSWORD, dbname="fraudstream", driver=None)
    server.ports.clear()  # it would be published on every address of this machine
    with server.with_network(network).with_network_aliases("postgres"):
        escaped = "".join(f"%{ord(sign):02X}" if not sign.isalnum() else sign for sign in _PASSWORD)
        yield f"postgresql://fraud:{escaped}@{address_of(server)}:5432/fraudstream"


@pytest.fixture(scope="session")
def redis(network: Network) -> Iterator[str]:
    server = DockerContainer("redis:7").with_network(network).with_network_aliases("redis")
    with server.waiting_for(ExecWaitStrategy(["redis-cli", "ping"])):
        yield f"redis://{address_of(server)}:6379/0"


@pytest.fixture(scope="session")
def environment(kafka: str, postgres: str, redis: str) -> dict[str, str]:
    return {"FRAUD_KAFKA_BOOTSTRAP_SERVERS": kafka, "FRAUD_POSTGRES_DSN": postgres, "FRAUD_REDIS_URL": redis}


def _owned_folder(place: Path) -> Path:
    """A folder that the containers' user may write to."""
    place.mkdir()
    if os.geteuid() == 0:
        os.chown(place, USER, USER)
    else:
        place.chmod(0o777)
    return place


@pytest.fixture(scope="session")
def models(
    network: Network, built: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory, figures: dict[str, object]
) -> Path:
    """Folder of a model that the trainer's image has trained on a small history."""
    built("trainer")
    place = tmp_path_factory.mktemp("trained")
    history, made = place / "history", _owned_folder(place / "models")
    days = 20
    start = int(time.time()) // 86_400 - 1 - days
    write_history(WorldSpec(seed=5, customers=100, start_day=start, fraud_rate=0.03), days, history)
    history.chmod(0o755)
    began = time.monotonic()
    trainer = hardened(
        "trainer", network, {}, "python", "model/training/train_model.py", "--history", "/history", "--test-days", "0",
        mounts={history: ("/history", "ro"), made: ("/models", "rw")},
    )  # fmt: skip
    code, output = finish(trainer, 480)
    assert code == 0, output
    figures["train_s"] = round(time.monotonic() - began, 1)
    return made


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the stream's copies of models."""
    return _owned_folder(tmp_path_factory.mktemp("stream") / "bundles")


@pytest.fixture(scope="session")
def prepared(network: Network, environment: dict[str, str], built: Callable[[str], str]) -> None:
    """Topics and schema, made by the jobs that a release runs first."""
    built("storage-jobs")
    kafka_only = {"FRAUD_KAFKA_BOOTSTRAP_SERVERS": environment["FRAUD_KAFKA_BOOTSTRAP_SERVERS"]}
    postgres_only = {"FRAUD_POSTGRES_DSN": environment["FRAUD_POSTGRES_DSN"]}
    for settings, module in (
        (kafka_only, "storage_security.kafka.admin"),
        (postgres_only, "storage_security.postgres.migrate"),
    ):
        code, output = finish(hardened("storage-jobs", network, settings, "python", "-m", module), 120)
        assert code == 0, output


@pytest.fixture(scope="session")
def product(
    network: Network,
    environment: dict[str, str],
    models: Path,
    built: Callable[[str], str],
    prepared: None,  # noqa: ARG001 - first of all
) -> Iterator[dict[str, DockerContainer]]:
    """The services, each healthy by the check that its image brings along."""
    names = {"FRAUD_DASHBOARD_ALLOWED_HOSTS": "dashboard-api,dashboard-web"}
    settings = {
        "decision-api": environment,
        "storage-jobs": environment,
        "dashboard-api": {**environment, **names},
        "dashboard-web": {"DASHBOARD_API_ORIGIN": "http://dashboard-api:8081", **names},
    }
    running = {}
    with ExitStack() as stack:
        for name, own in settings.items():
            built(name)
            mounts = {models: ("/models", "ro")} if name == "decision-api" else {}
            container = hardened(name, network, own, alias=name, mounts=mounts)
            running[name] = stack.enter_context(container)
        for container in running.values():
            HealthcheckWaitStrategy().with_startup_timeout(120).wait_until_ready(container)
        yield running
