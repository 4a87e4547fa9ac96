"""A service with a model and no server to talk to: it comes up closed, says that it lives, and compiles nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import HealthcheckWaitStrategy

from ci_cd_testing_deployment.docker.images import image
from tests.fixtures.models import write_small_model
from tests.ship.images.product.containers import USER, address_of, docker, hardened, status_of

pytestmark = [pytest.mark.smoke, pytest.mark.timeout(300)]
_NAME = "decision-api"
_LOOPS = "/tmp/numba"  # noqa: S108 - the container's own


@pytest.fixture(scope="module")
def api(built: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerContainer]:
    built(_NAME)
    models = tmp_path_factory.mktemp("models")
    write_small_model(models)
    for path in (models.parent.parent, models.parent, models, *models.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with Network() as network, hardened(_NAME, network, {}, mounts={models: ("/models", "ro")}) as container:
        HealthcheckWaitStrategy().with_startup_timeout(120).wait_until_ready(container)
        yield container


def test_health_check_answers(api: DockerContainer) -> None:
    found = image(_NAME)
    assert requests.get(f"http://{address_of(api)}:{found.port}{found.alive_path}", timeout=5).status_code == 200


def test_program_has_no_right_beyond_its_own_user(api: DockerContainer) -> None:
    status = status_of(api)
    assert set(status["Uid"].split()) == {str(USER)}
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


def test_compiled_loops_come_from_the_image(api: DockerContainer) -> None:
    """What was compiled at the start would be a file beside the links to those of the image."""
    container = api.get_container_id()
    links = docker("exec", container, "find", _LOOPS, "-type", "l")
    assert len(links.splitlines()) > 20
    assert docker("exec", container, "find", _LOOPS, "-name", "*.nb[ic]", "-type", "f") == ""
