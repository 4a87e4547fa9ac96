"""Relays between the cluster's network and the machine's loopback, through a unix socket that both can see."""

from __future__ import annotations

from ci_cd_testing_deployment.kubernetes.test_cluster.place import GATEWAY_IP, NODE_IP, RUN
from ci_cd_testing_deployment.kubernetes.test_cluster.processes import start
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import wait_until


def bring_out(port: int, target: str = f"{GATEWAY_IP}:80") -> None:
    """Let programs of this machine reach an address of the cluster (by default the gateway) on their loopback."""
    socket = RUN / f"out-{port}.sock"
    start(f"out-{port}-inner", ["socat", f"UNIX-LISTEN:{socket},fork,mode=600", f"TCP:{target}"])
    wait_until(socket.exists, "the relay listens", 5)
    outer = ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", f"UNIX-CONNECT:{socket}"]
    start(f"out-{port}-outer", outer, outside=True)


def bring_in(port: int) -> None:
    """Let pods reach a server on this machine's loopback, by the node's address and the same port."""
    socket = RUN / f"in-{port}.sock"
    start(f"in-{port}-outer", ["socat", f"UNIX-LISTEN:{socket},fork,mode=600", f"TCP:127.0.0.1:{port}"], outside=True)
    wait_until(socket.exists, "the relay listens", 5)
    start(f"in-{port}-inner", ["socat", f"TCP-LISTEN:{port},bind={NODE_IP},fork,reuseaddr", f"UNIX-CONNECT:{socket}"])
