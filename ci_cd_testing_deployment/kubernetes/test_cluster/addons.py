"""What a cluster brings along elsewhere: names, volumes, metrics, policies of the network, a gateway, delivery."""

from __future__ import annotations

from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster import crds, images
from ci_cd_testing_deployment.kubernetes.test_cluster.binaries import binary
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import kubectl
from ci_cd_testing_deployment.kubernetes.test_cluster.place import CRDS, HERE, LOGS, NAME, PKI, POD_CIDR, VOLUMES
from ci_cd_testing_deployment.kubernetes.test_cluster.processes import inside, is_running, start
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import module_folder, run, say, wait_until

_MANIFESTS: Final = HERE / "manifests"
_DEPLOYMENTS: Final = {
    "kube-system": ("coredns", "metrics-server"),
    "gateway": ("traefik",),
    "local-path-storage": ("local-path",),
    "flagger-system": ("flagger",),
    "monitoring": ("prometheus",),
}
_QUEUE: Final = "98"


def apply_definitions() -> None:
    """Make the operators' kinds known; returns when objects of them can be made."""
    crds.fetch()
    kubectl("apply", "--server-side", f"--filename={CRDS}", timeout_s=300)
    kubectl("wait", "--for=condition=Established", "customresourcedefinitions", "--all", "--timeout=60s")


def apply() -> None:
    """Start all add-ons; returns when they are ready."""
    images.load(images.archives("addons"))
    say("images of the add-ons are loaded")
    apply_definitions()
    say("definitions are established")
    VOLUMES.mkdir(parents=True, exist_ok=True)
    for path in sorted(_MANIFESTS.glob("*.yaml")):
        kubectl("apply", "--filename=-", stdin=path.read_text().replace("VOLUMES", str(VOLUMES)))
    _enforce_network_policies()
    for namespace, names in _DEPLOYMENTS.items():
        for name in names:
            kubectl("--namespace", namespace, "rollout", "status", f"deployment/{name}", "--timeout=120s")
    say("add-ons are ready")


def apply_spark_operator() -> None:
    """Start the operator of Spark's jobs, whose image is the stream's; returns when it is ready."""
    images.load(images.archives("spark"))
    role = module_folder(crds.OPERATORS["spark-operator"].module) / "config" / "rbac" / "role.yaml"
    kubectl("apply", f"--filename={role}", f"--filename={_MANIFESTS / 'spark'}")
    kubectl("--namespace=spark-operator", "rollout", "status", "deployment/spark-operator-controller", "--timeout=120s")
    say("the operator of Spark's jobs is ready")


def _enforce_network_policies() -> None:
    """Start the agent that judges the first packet of each connection, which netfilter hands to it by a queue."""
    if is_running("network-policies"):
        return
    start(
        "network-policies",
        [
            binary("network-policies"),
            f"--kubeconfig={PKI / 'admin.conf'}",
            f"--hostname-override={NAME}",
            f"--nfqueue-id={_QUEUE}",
            "--disable-nri",
            "--strict-mode=false",
            "--metrics-bind-address=127.0.0.1:9081",
            "--v=1",
        ],
    )
    log = LOGS / "network-policies.log"
    wait_until(
        lambda: "Syncing nftables rules" in log.read_text() and "elapsed" in log.read_text(),
        "policies are enforced",
        30,
    )
    if "initial nftables sync failed" in log.read_text():
        _queue_by_iptables()


def _queue_by_iptables() -> None:
    """Hand over the same packets by an older way, where the kernel has no queues for nftables (CONFIG_NFT_QUEUE)."""
    queue = ["-m", "conntrack", "--ctstate", "NEW", "-j", "NFQUEUE", "--queue-num", _QUEUE, "--queue-bypass"]
    rules = (
        # The node's own: kubelet's probes, and the tests.
        ["POSTROUTING", "-m", "owner", "--uid-owner", "0", "-j", "ACCEPT"],
        ["POSTROUTING", "-s", POD_CIDR, *queue],
        ["POSTROUTING", "-d", POD_CIDR, *queue],
        ["INPUT", "!", "-i", "lo", "-s", POD_CIDR, *queue],
    )
    for rule in rules:
        run(inside(["iptables", "--table", "mangle", "--append", *rule]))
