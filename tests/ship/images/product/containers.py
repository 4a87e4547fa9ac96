"""Containers of the product's images, held as tight as on a cluster, and what can be asked of one that runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

USER: Final = 10001
TAG: Final = "dev"


def docker(*arguments: str, timeout_s: float = 120) -> str:
    """What the engine's client says. Raises CalledProcessError."""
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=True, timeout=timeout_s
    ).stdout.strip()


def inspect(name: str) -> dict[str, Any]:
    """What the engine knows of a container or an image."""
    found: dict[str, Any] = json.loads(docker("inspect", name))[0]
    return found


def hardened(
    image: str,
    network: Network,
    environment: Mapping[str, str],
    *command: str,
    alias: str | None = None,
    mounts: Mapping[Path, tuple[str, str]] = MappingProxyType({}),
) -> DockerContainer:
    """A container, not started, that may write to /tmp alone, and to `mounts`: a folder's place inside and "ro" or "rw"."""
    container = (
        DockerContainer(f"fraudstream/{image}:{TAG}")
        .with_kwargs(read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges"], init=True)
        .with_tmpfs_mount("/tmp", "size=256m,mode=1777")  # noqa: S108 - the container's own
        .with_envs(**environment)
        .with_network(network)
    )
    if command:
        container.with_command(list(command))
    if alias:
        container.with_network_aliases(alias)
    for place, (inside, mode) in mounts.items():
        container.with_volume_mapping(place, inside, mode)
    return container


def finish(container: DockerContainer, timeout_s: float) -> tuple[int, str]:
    """Run to the end: exit code and output."""
    with container:
        code = container.get_wrapped_container().wait(timeout=timeout_s)["StatusCode"]
        output = b"".join(container.get_logs()).decode()
    return int(code), output


def gateway_of(network: Network) -> str:
    """The address of this machine on the network."""
    return str(inspect(network.name)["IPAM"]["Config"][0]["Gateway"])


def address_of(container: DockerContainer) -> str:
    """The address of the container on its network, where this machine reaches it; no port is published to others."""
    (found,) = inspect(container.get_container_id())["NetworkSettings"]["Networks"].values()
    return str(found["IPAddress"])


def status_of(container: DockerContainer) -> dict[str, str]:
    """What the kernel says of the program in the container, by the names of /proc/PID/status."""
    pid = inspect(container.get_container_id())["State"]["Pid"]
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
