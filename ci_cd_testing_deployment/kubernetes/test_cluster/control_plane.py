"""The network namespace of the cluster, and what runs there without a node: store, API server, controllers, scheduler."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster.binaries import binary
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import accepts
from ci_cd_testing_deployment.kubernetes.test_cluster.place import (
    NAME,
    NODE_GATEWAY,
    NODE_IP,
    PKI,
    SERVICE_CIDR,
    WORK,
)
from ci_cd_testing_deployment.kubernetes.test_cluster.processes import inside, start
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import run, wait_until

ORDER: Final = ("scheduler", "controllers", "apiserver", "etcd")
"""In which order they are stopped."""

_ETCD: Final = "http://127.0.0.1:2379"
_ETCD_PEER: Final = "http://127.0.0.1:2380"
# Packets of Services come back by other ways than they went, and the node forwards between its pods.
_KERNEL_SETTINGS: Final = {
    "ip_forward": "1",
    "conf/all/rp_filter": "0",
    "conf/default/rp_filter": "0",
    "conf/all/route_localnet": "1",
}


def make_network() -> None:
    """A namespace without a way out. The node's address lies on one end of a pair: not every kernel has dummies."""
    ip = ("ip", "-netns", NAME)
    run(["ip", "netns", "add", NAME])
    run([*ip, "link", "set", "lo", "up"])
    run([*ip, "link", "add", "node", "type", "veth", "peer", "name", "node-peer"])
    run([*ip, "address", "add", f"{NODE_IP}/24", "dev", "node"])
    for end in ("node", "node-peer"):
        run([*ip, "link", "set", end, "up"])
    run([*ip, "route", "add", "default", "via", NODE_GATEWAY, "dev", "node"])
    for name, value in _KERNEL_SETTINGS.items():
        run(inside(["sh", "-c", f"echo {value} >/proc/sys/net/ipv4/{name}"]))


def start_control_plane() -> None:
    """Start all four; returns when a service account exists, which needs each but the scheduler."""
    start("etcd", [binary("etcd"), *_etcd_options()])
    start("apiserver", [binary("kube-apiserver"), *_apiserver_options()])
    wait_until(accepts("get", "--raw", "/readyz"), "the API server is ready", 120)
    start(
        "controllers",
        [
            binary("kube-controller-manager"),
            *_client("controllers"),
            f"--service-account-private-key-file={PKI / 'service-accounts.key'}",
            f"--root-ca-file={PKI / 'ca.crt'}",
            f"--cluster-signing-cert-file={PKI / 'ca.crt'}",
            f"--cluster-signing-key-file={PKI / 'ca.key'}",
            "--use-service-account-credentials",
        ],
    )
    start("scheduler", [binary("kube-scheduler"), *_client("scheduler")])
    wait_until(accepts("get", "serviceaccount", "default"), "the controllers work", 60)


def _client(user: str) -> list[str]:
    conf = PKI / f"{user}.conf"
    return [
        f"--kubeconfig={conf}",
        f"--authentication-kubeconfig={conf}",
        f"--authorization-kubeconfig={conf}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--profiling=false",
    ]


def _etcd_options() -> list[str]:
    return [
        f"--data-dir={WORK / 'etcd'}",
        "--unsafe-no-fsync",  # what it stores is gone with the cluster
        "--log-level=warn",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        f"--listen-peer-urls={_ETCD_PEER}",
        f"--initial-advertise-peer-urls={_ETCD_PEER}",
        f"--initial-cluster=default={_ETCD_PEER}",
    ]


def _pair(option: str, name: str, key_option: str) -> list[str]:
    return [f"--{option}={PKI / name}.crt", f"--{key_option}={PKI / name}.key"]


def _apiserver_options() -> list[str]:
    issuer = "https://kubernetes.default.svc.cluster.local"
    return [
        f"--etcd-servers={_ETCD}",
        f"--bind-address={NODE_IP}",
        f"--advertise-address={NODE_IP}",
        "--secure-port=6443",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        "--allow-privileged",  # for the volumes' helper; Pod Security decides per namespace
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--client-ca-file={PKI / 'ca.crt'}",
        *_pair("tls-cert-file", "apiserver", "tls-private-key-file"),
        *_pair("kubelet-client-certificate", "kubelet-client", "kubelet-client-key"),
        f"--kubelet-certificate-authority={PKI / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-issuer={issuer}",
        f"--service-account-key-file={Path(PKI, 'service-accounts.pub')}",
        f"--service-account-signing-key-file={PKI / 'service-accounts.key'}",
        f"--requestheader-client-ca-file={PKI / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        "--enable-aggregator-routing",  # the metrics API is answered by a pod
        *_pair("proxy-client-cert-file", "front-proxy-client", "proxy-client-key-file"),
        "--profiling=false",
    ]
