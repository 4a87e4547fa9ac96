"""Start and stop the cluster as a whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster import certificates, control_plane, node, processes
from ci_cd_testing_deployment.kubernetes.test_cluster.errors import ClusterError
from ci_cd_testing_deployment.kubernetes.test_cluster.place import NAME, NETWORK, PKI, RUN, VOLUMES, WORK
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import run, say, wait_until

_NODE_ORDER: Final = ("kubelet", "proxy")
_LAST: Final = ("containerd", *control_plane.ORDER)
_STATE: Final = ("etcd", "containerd-opt", "kafka", "kubelet", "podlogs")


def up(*, with_node: bool) -> None:
    """Start the cluster; without a node it holds objects and judges them, and runs no pod."""
    if os.geteuid() != 0:
        raise ClusterError("a cluster needs root: namespaces, mounts and control groups are made")
    if NETWORK.exists():
        raise ClusterError(f"the cluster {NAME} is there: end it by `down` first")
    RUN.mkdir(parents=True, exist_ok=True)
    control_plane.make_network()
    certificates.make()
    control_plane.start_control_plane()
    say("control plane is ready")
    if with_node:
        node.start_node()
        say("node is ready")


def down() -> None:
    """Stop everything that was started, newest purpose first, and remove its state. Binaries and images stay: the next start is quick."""
    for name in processes.started():
        if name not in _NODE_ORDER + _LAST:
            processes.stop(name)
    for name in _NODE_ORDER:
        processes.stop(name)
    processes.end_containers()
    node.forget_containers()
    for name in _LAST:
        processes.stop(name)
    _unmount()
    if NETWORK.exists():
        run(["ip", "netns", "delete", NAME])
    for group in processes.control_groups():
        for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            folder.rmdir()
        if group.exists():
            group.rmdir()
    # kubelet names logs for people in a folder of the system.
    for link in Path("/var/log/containers").glob("*.log"):
        if str(link.readlink()).startswith(str(WORK)):
            link.unlink()
    for folder in (RUN, VOLUMES, PKI, *(WORK / name for name in _STATE)):
        shutil.rmtree(folder, ignore_errors=True)


def _mounts() -> list[str]:
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted((point for point in points if point.startswith((f"{WORK}/", f"{RUN}/"))), reverse=True)


def _unmount() -> None:
    def none_left() -> bool:
        for point in _mounts():
            # Lazily: a mount within may be hidden by one above it until that has gone.
            run(["umount", "--lazy", point])
        return not _mounts()

    wait_until(none_left, "nothing of the cluster is mounted", 20)
