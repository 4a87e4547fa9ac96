"""Binaries of the platform, built from the Go modules of `go/` into folders that are named for what went in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster.errors import ClusterError
from ci_cd_testing_deployment.kubernetes.test_cluster.place import GO_CACHE, HERE, KUBERNETES, WORK
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import run, say

COMPONENTS: Final = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)
_COLD_BUILD_S: Final = 3600.0
_MAJOR, _MINOR, _ = KUBERNETES.split(".")
_VERSION: Final = "k8s.io/component-base/version"
# A component without its version says v0.0.0, and the others refuse the skew.
_KUBERNETES_VERSION: Final = (
    f"-X {_VERSION}.gitVersion=v{KUBERNETES} -X {_VERSION}.gitMajor={_MAJOR} -X {_VERSION}.gitMinor={_MINOR} "
    f"-X k8s.io/client-go/pkg/version.gitVersion=v{KUBERNETES}"
)


@dataclass(frozen=True, slots=True)
class Module:
    """A folder of `go/` and the packages that are built in it. `link` goes to the linker."""

    folder: str
    packages: dict[str, str]
    link: str = "-s -w"
    tags: str = ""

    def source(self) -> Path:
        return HERE / "go" / self.folder

    def into(self) -> Path:
        """Where its binaries lie: another folder as soon as a source, a version or a flag differs."""
        digest = hashlib.sha256(f"{self.packages}{self.link}{self.tags}".encode())
        for path in sorted(path for path in self.source().rglob("*") if path.is_file()):
            digest.update(path.read_bytes())
        return WORK / "bin" / f"{self.folder}-{digest.hexdigest()[:12]}"

    def build(self) -> None:
        """Build what is missing. Raises CommandFailed with what the compiler said."""
        into = self.into()
        into.mkdir(parents=True, exist_ok=True)
        for name, package in self.packages.items():
            if (into / name).exists():
                continue
            say(f"building {name}")
            run(
                [
                    "nice",
                    "-n",
                    "5",
                    "go",
                    "build",
                    "-tags",
                    self.tags,
                    "-ldflags",
                    self.link,
                    "-o",
                    str(into / f"{name}.partial"),
                    package,
                ],
                cwd=self.source(),
                env={
                    "CGO_ENABLED": "0",
                    "GOCACHE": str(GO_CACHE),
                    "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
                    "GOTOOLCHAIN": "local",
                },
                timeout_s=_COLD_BUILD_S,
            )
            (into / f"{name}.partial").replace(into / name)


# grpcnotrace spares what keeps the linker from leaving unused methods out.
HYPERKUBE: Final = Module("hyperkube", {"hyperkube": "."}, link=f"-s -w {_KUBERNETES_VERSION}", tags="grpcnotrace")
ECHO: Final = Module("echo", {"echo-server": "."})
ADDONS: Final = Module(
    "addons",
    {
        "coredns": "./coredns",
        "flagger": "github.com/fluxcd/flagger/cmd/flagger",
        "local-path-provisioner": "github.com/rancher/local-path-provisioner",
        "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server",
        "network-policies": "sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard",
    },
)
SPARK_OPERATOR: Final = Module(
    "spark-operator", {"spark-operator": "github.com/kubeflow/spark-operator/v2/cmd/operator"}
)
_MODULES: Final = (HYPERKUBE, ECHO, ADDONS, SPARK_OPERATOR)


def build_kubernetes() -> None:
    """Build the one binary of Kubernetes, and name it for each of its components."""
    HYPERKUBE.build()
    for component in COMPONENTS:
        link = HYPERKUBE.into() / component
        if not link.is_symlink():
            link.symlink_to("hyperkube")


def binary(name: str) -> Path:
    """The built binary. Raises ClusterError with the command that builds it."""
    folders = [HYPERKUBE.into()] if name in COMPONENTS else [m.into() for m in _MODULES if name in m.packages]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise ClusterError(
        f"{name} is not built: python -m ci_cd_testing_deployment.kubernetes.test_cluster build {'core' if name in COMPONENTS else 'spark'}"
    )
