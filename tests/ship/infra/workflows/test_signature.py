"""A release reaches another registry by digest, and only what was signed and not changed since."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import requests

from config import ROOT

pytestmark = [pytest.mark.ship, pytest.mark.timeout(300)]

ACTIONS = ROOT / "ci_cd_testing_deployment" / "actions"
COSIGN = ROOT / os.environ.get("FRAUD_SHIP_CACHE", ".cache/ship") / "bin" / "cosign"
REGISTRY = Path("/usr/bin/docker-registry")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

Signature = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a registry of the test's own."""
    if not REGISTRY.exists():
        pytest.skip("docker-registry is not installed")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
        "log": {"level": "error"},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([REGISTRY, "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        _wait_for(f"http://{address}/v2/")
        yield address
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            requests.get(url, timeout=2).raise_for_status()
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} does not answer")


@pytest.fixture(scope="module")
def signature(tmp_path_factory: pytest.TempPathFactory) -> Signature:
    """Run signature.sh with a pair of keys of the test's own."""
    if not COSIGN.exists():
        pytest.skip("cosign is missing: ci_cd_testing_deployment/actions/tools.sh cosign")
    folder = tmp_path_factory.mktemp("keys")
    env = {**os.environ, "COSIGN_PASSWORD": "", "HOME": str(folder)}
    subprocess.run([COSIGN, "generate-key-pair"], cwd=folder, env=env, capture_output=True, check=True, timeout=60)
    env |= {"COSIGN_KEY": str(folder / "cosign.key"), "COSIGN_PUBLIC_KEY": str(folder / "cosign.pub")}

    def run(*words: str | Path, script: str = "signature.sh") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ACTIONS / script, *words], env=env, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def push(registry: str, name: str, content: bytes) -> str:
    """Push an image whose only layer is this, and return its reference by digest."""
    layer, image = _upload(registry, name, content), _upload(registry, name, b"{}")
    body = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **image},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **layer}],
        }
    ).encode()
    _send("PUT", f"http://{registry}/v2/{name}/manifests/latest", body, MANIFEST)
    return f"{registry}/{name}@sha256:{hashlib.sha256(body).hexdigest()}"


def _upload(registry: str, name: str, content: bytes) -> dict[str, str | int]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    place = _send("POST", f"http://{registry}/v2/{name}/blobs/uploads/", b"")["Location"]
    _send("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", content, "application/octet-stream")
    return {"digest": digest, "size": len(content)}


def _send(method: str, url: str, body: bytes, kind: str = "") -> Mapping[str, str]:
    answer = requests.request(method, url, data=body, headers={"Content-Type": kind} if kind else {}, timeout=30)
    answer.raise_for_status()
    return answer.headers


@pytest.fixture
def sbom(tmp_path: Path) -> Path:
    path = tmp_path / "image.cdx.json"
    path.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}))
    return path


def test_signed_release_is_promoted_with_its_signatures(
    registry: str, signature: Signature, sbom: Path, tmp_path: Path
) -> None:
    reference = push(registry, "built/decision-api", b"good")
    signed = signature("sign", reference, sbom)
    assert signed.returncode == 0, signed.stderr
    release = tmp_path / "release.json"
    release.write_text(json.dumps({"revision": "0", "images": {"decision-api": reference}}))
    promoted = signature(release, f"{registry}/production", script="promote.sh")
    assert promoted.returncode == 0, promoted.stderr
    there = f"{registry}/production/decision-api@{reference.partition('@')[2]}"
    assert promoted.stdout.splitlines()[-1] == f"signed: {there}"
    assert signature("verify", there).returncode == 0


def test_unsigned_image_is_refused(registry: str, signature: Signature, tmp_path: Path) -> None:
    reference = push(registry, "built/stranger", b"unsigned")
    assert signature("verify", reference).returncode != 0
    release = tmp_path / "release.json"
    release.write_text(json.dumps({"revision": "0", "images": {"stranger": reference}}))
    refused = signature(release, f"{registry}/production", script="promote.sh")
    assert refused.returncode != 0
    assert "no signatures found" in refused.stderr


def test_changed_image_is_refused_under_the_name_that_was_signed(
    registry: str, signature: Signature, sbom: Path
) -> None:
    good = push(registry, "built/changed", b"as it was signed")
    assert signature("sign", good, sbom).returncode == 0
    changed = push(registry, "built/changed", b"with something more")
    assert signature("verify", changed).returncode != 0
    assert signature("verify", good).returncode == 0


def test_signed_image_without_its_list_is_refused(registry: str, signature: Signature) -> None:
    reference = push(registry, "built/bare", b"no list")
    assert signature("sign", reference, Path("/no/such/list")).returncode != 0
    refused = signature("verify", reference)
    assert refused.returncode != 0
    assert "attestation" in refused.stderr


def test_tag_is_not_signed(signature: Signature, sbom: Path) -> None:
    refused = signature("sign", "127.0.0.1:1/built/api:latest", sbom)
    assert refused.returncode == 2
    assert "names no digest" in refused.stderr
