"""Certificates and kubeconfig files of the cluster, made anew with each start: nothing of them is worth keeping."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster.place import API_SERVER, API_SERVICE_IP, NAME, NODE_IP, PKI
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import run

_DAYS: Final = "30"
_SERVICE_NAMES: Final = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
_API_NAMES: Final = ",".join(
    [*(f"DNS:{name}" for name in ("localhost", *_SERVICE_NAMES)), f"IP:127.0.0.1,IP:{NODE_IP},IP:{API_SERVICE_IP}"]
)
USERS: Final = {
    "admin": "/O=system:masters/CN=admin",
    "controllers": "/CN=system:kube-controller-manager",
    "node": f"/O=system:nodes/CN=system:node:{NAME}",
    "proxy": "/CN=system:kube-proxy",
    "scheduler": "/CN=system:kube-scheduler",
}
"""Who talks to the API server, and by which name and groups it knows them."""


def make() -> None:
    """Write everything into the folder of keys."""
    shutil.rmtree(PKI, ignore_errors=True)
    PKI.mkdir(parents=True, mode=0o700)
    for authority in ("ca", "front-proxy-ca"):
        _authority(authority)
    _certificate("apiserver", "ca", "/CN=kube-apiserver", "serverAuth", _API_NAMES)
    _certificate("kubelet", "ca", f"/CN={NAME}", "serverAuth", f"DNS:{NAME},IP:{NODE_IP},IP:127.0.0.1")
    _certificate("kubelet-client", "ca", "/O=system:masters/CN=apiserver-kubelet-client", "clientAuth")
    _certificate("front-proxy-client", "front-proxy-ca", "/CN=front-proxy-client", "clientAuth")
    for user, subject in USERS.items():
        _certificate(user, "ca", subject, "clientAuth")
        (PKI / f"{user}.conf").write_text(json.dumps(_kubeconfig(user)))
    _key("service-accounts")
    _openssl("ec", "-in", "service-accounts.key", "-pubout", "-out", "service-accounts.pub")


def _openssl(*words: str, stdin: str | None = None) -> str:
    return run(["openssl", *words], cwd=PKI, stdin=stdin)


def _key(name: str) -> None:
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    (PKI / f"{name}.key").chmod(0o600)


def _authority(name: str) -> None:
    _key(name)
    may = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        f"{name}.key",
        "-days",
        _DAYS,
        "-subj",
        f"/CN={name}",
        *may,
        "-out",
        f"{name}.crt",
    )


def _certificate(name: str, authority: str, subject: str, use: str, names: str = "") -> None:
    _key(name)
    lines = ["basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature", f"extendedKeyUsage={use}"]
    if names:
        lines.append(f"subjectAltName={names}")
    (PKI / f"{name}.ext").write_text("\n".join(lines))
    request = _openssl("req", "-new", "-key", f"{name}.key", "-subj", subject)
    signed_by = ("-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial")
    _openssl(
        "x509", "-req", *signed_by, "-days", _DAYS, "-extfile", f"{name}.ext", "-out", f"{name}.crt", stdin=request
    )


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _kubeconfig(user: str) -> dict[str, object]:
    """A kubeconfig: YAML holds all of JSON."""
    identity = {
        "client-certificate-data": _base64(PKI / f"{user}.crt"),
        "client-key-data": _base64(PKI / f"{user}.key"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "test", "cluster": {"server": API_SERVER, "certificate-authority-data": _base64(PKI / "ca.crt")}}
        ],
        "users": [{"name": user, "user": identity}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        "current-context": "test",
    }
