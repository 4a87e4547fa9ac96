"""The node: containerd, kubelet and kube-proxy, with their settings."""

from __future__ import annotations

import json
from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster.binaries import binary
from ci_cd_testing_deployment.kubernetes.test_cluster.images import archives, load
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import accepts
from ci_cd_testing_deployment.kubernetes.test_cluster.place import (
    CONFIG,
    CONTAINERD,
    DNS_IP,
    NAME,
    NODE_IP,
    PAUSE_IMAGE,
    PKI,
    POD_CIDR,
    RUN,
    WORK,
)
from ci_cd_testing_deployment.kubernetes.test_cluster.processes import control_groups, is_running, start
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import run, succeeds, wait_until

_UNUSED_PLUGINS: Final = ("aufs", "btrfs", "devmapper", "zfs")

_CONTAINERD: Final = f"""\
version = 2
root = "{WORK}/containerd"
state = "{RUN}/containerd"
disabled_plugins = {json.dumps([f"io.containerd.snapshotter.v1.{name}" for name in _UNUSED_PLUGINS])}
[grpc]
  address = "{CONTAINERD}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{WORK}/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE, as in many CI machines, runc may not lower the score and ends.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{CONFIG}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""

# Each pod on a pair of its own: what goes between two of them passes the node's filters, as it would between nodes.
_POD_NETWORK: Final = {
    "cniVersion": "0.4.0",
    "name": "pods",
    "plugins": [
        {
            "type": "ptp",
            "mtu": 1500,
            "ipam": {
                "type": "host-local",
                "dataDir": str(RUN / "ipam"),
                "ranges": [[{"subnet": POD_CIDR}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}

_KUBELET: Final = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "address": NODE_IP,
    "healthzBindAddress": "127.0.0.1",
    "authentication": {
        "anonymous": {"enabled": False},
        "webhook": {"enabled": True},
        "x509": {"clientCAFile": str(PKI / "ca.crt")},
    },
    "authorization": {"mode": "Webhook"},
    "tlsCertFile": str(PKI / "kubelet.crt"),
    "tlsPrivateKeyFile": str(PKI / "kubelet.key"),
    "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
    "cgroupDriver": "cgroupfs",
    "cgroupRoot": f"/{NAME}",
    "failCgroupV1": False,
    "failSwapOn": False,
    "clusterDomain": "cluster.local",
    "clusterDNS": [DNS_IP],
    "resolvConf": str(CONFIG / "resolv.conf"),
    "podLogsDir": str(WORK / "podlogs"),
    "serializeImagePulls": False,
    "registryPullQPS": 0,
    "syncFrequency": "10s",
    "nodeStatusUpdateFrequency": "5s",
    # Images come from archives and cannot be pulled again.
    "imageGCHighThresholdPercent": 100,
    "imageGCLowThresholdPercent": 99,
    "evictionHard": {
        "memory.available": "200Mi",
        "nodefs.available": "1%",
        "imagefs.available": "1%",
        "nodefs.inodesFree": "1%",
    },
    "maxPods": 200,
}

_PROXY: Final = {
    "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
    "kind": "KubeProxyConfiguration",
    "mode": "nftables",
    "clusterCIDR": POD_CIDR,
    "hostnameOverride": NAME,
    "clientConnection": {"kubeconfig": str(PKI / "proxy.conf")},
    "bindAddress": "127.0.0.1",
    "healthzBindAddress": "127.0.0.1:10256",
    "metricsBindAddress": "127.0.0.1:10249",
    # These belong to the whole machine and cannot be set from a namespace.
    "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
}


def start_node() -> None:
    """Start the three; returns when the node is ready."""
    _write_settings()
    for group in control_groups():
        group.mkdir(exist_ok=True)
    start("containerd", ["containerd", "--config", CONFIG / "containerd.toml"])
    wait_until(lambda: succeeds(["ctr", "--address", CONTAINERD, "version"]), "containerd answers", 30)
    load(archives("core"))
    start(
        "kubelet",
        [
            binary("kubelet"),
            f"--config={CONFIG / 'kubelet.json'}",
            f"--kubeconfig={PKI / 'node.conf'}",
            f"--hostname-override={NAME}",
            f"--node-ip={NODE_IP}",
            f"--root-dir={WORK / 'kubelet'}",
            f"--cert-dir={WORK / 'kubelet' / 'pki'}",
        ],
    )
    start("proxy", [binary("kube-proxy"), f"--config={CONFIG / 'proxy.json'}"])
    is_ready = accepts("wait", "--for=condition=Ready", f"node/{NAME}", "--timeout=1s")
    wait_until(is_ready, "the node is ready", 90)


def forget_containers() -> None:
    """Leave nothing in containerd but images."""
    if not is_running("containerd"):
        return
    ctr = ["ctr", "--address", str(CONTAINERD), "--namespace", "k8s.io", "containers"]
    for container in run([*ctr, "ls", "--quiet"]).split():
        run([*ctr, "delete", container])


def _write_settings() -> None:
    for folder in (CONFIG / "cni", WORK / "kubelet", WORK / "podlogs"):
        folder.mkdir(parents=True, exist_ok=True)
    (CONFIG / "containerd.toml").write_text(_CONTAINERD)
    (CONFIG / "cni" / "10-pods.conflist").write_text(json.dumps(_POD_NETWORK))
    (CONFIG / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    # Kubernetes reads YAML, which holds all of JSON.
    (CONFIG / "kubelet.json").write_text(json.dumps(_KUBELET))
    (CONFIG / "proxy.json").write_text(json.dumps(_PROXY))
