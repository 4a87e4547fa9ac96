"""Jars from Maven Central, resolved once into a folder of the cache and used offline from then on.

`python -m ci_cd_testing_deployment.local.maven` fetches all that the stack needs.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.local.errors import MissingPrerequisite, StackError
from ci_cd_testing_deployment.local.prerequisites import find_java, find_maven
from config import CACHE_DIR

# Pinned, because the plug-in that an installed Maven takes by default differs from machine to machine.
_GOAL: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_ATTEMPTS: Final = 3
_ATTEMPT_TIMEOUT_S: Final = 300
_HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class JarSet:
    """The runtime dependencies of one pom, kept in one folder of the cache."""

    pom: Path
    folder: str

    def path(self, cache_dir: Path) -> Path:
        return cache_dir / self.folder

    def stamp(self) -> str:
        """Changes with the pom or with the way it is resolved."""
        return hashlib.sha256(_GOAL.encode() + self.pom.read_bytes()).hexdigest()

    def is_resolved(self, cache_dir: Path) -> bool:
        stamp = self.path(cache_dir) / ".stamp"
        return stamp.exists() and stamp.read_text() == self.stamp()


KAFKA_BROKER: Final = JarSet(_HERE / "kafka" / "pom.xml", "kafka-jars")


def resolve(jars: JarSet, cache_dir: Path = CACHE_DIR) -> Path:
    """The folder with the jars, fetched by Maven if the pom has changed since (minutes), else at once and offline.

    Raises MissingPrerequisite without Java or Maven, StackError when the jars cannot be fetched.
    """
    target = jars.path(cache_dir)
    if jars.is_resolved(cache_dir):
        return target
    cache_dir.mkdir(parents=True, exist_ok=True)
    # Two stacks may start for the first time at once; the second finds the work done.
    with (cache_dir / f"{jars.folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if jars.is_resolved(cache_dir):
            return target
        partial = cache_dir / f"{jars.folder}.partial"
        _fetch(jars, partial)
        (partial / ".stamp").write_text(jars.stamp())
        shutil.rmtree(target, ignore_errors=True)
        partial.replace(target)
    return target


def _fetch(jars: JarSet, into: Path) -> None:
    find_java()
    argv = [find_maven(), "-B", "-q", "-C", "-f", str(jars.pom), _GOAL, "-DincludeScope=runtime"]
    argv.append(f"-DoutputDirectory={into}")
    said = ""
    for attempt in range(_ATTEMPTS):
        shutil.rmtree(into, ignore_errors=True)
        # Maven remembers a failed look-up for a day; -U makes it ask again.
        again = ["-U"] if attempt else []
        try:
            run = subprocess.run(
                [*argv, *again],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_ATTEMPT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            said = f"no end after {_ATTEMPT_TIMEOUT_S} s"
            continue
        if run.returncode == 0:
            return
        lines = [line for line in run.stdout.splitlines() if line.startswith("[ERROR]")]
        said = lines[0] if lines else run.stderr[-500:]
    raise StackError(f"Maven could not fetch the jars of {jars.pom} in {_ATTEMPTS} attempts: {said}")


def main() -> int:
    """Fetch the broker's jars into the cache; the exit status of a script."""
    try:
        folder = resolve(KAFKA_BROKER)
    except (MissingPrerequisite, StackError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{folder}: {len(list(folder.glob('*.jar')))} jars\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
