"""Run programs, wait for conditions, and say what takes long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster.errors import CommandFailed, NotReadyInTime

_STARTED: Final = time.monotonic()
_STEP_S: Final = 0.2


def say(text: str) -> None:
    """One line of progress, with the seconds since the start."""
    sys.stderr.write(f"{time.monotonic() - _STARTED:7.1f} s  {text}\n")
    sys.stderr.flush()


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout_s: float = 120.0,
) -> str:
    """What the program printed. Raises CommandFailed when it fails or takes longer."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        raise CommandFailed(words, 124, f"no end after {timeout_s} s") from expired
    if done.returncode != 0:
        raise CommandFailed(words, done.returncode, done.stdout + done.stderr)
    return done.stdout


def succeeds(argv: Sequence[str | Path], timeout_s: float = 30.0) -> bool:
    """Whether the program ends well."""
    try:
        run(argv, timeout_s=timeout_s)
    except CommandFailed:
        return False
    return True


def wait_until(is_so: Callable[[], bool], what: str, within_s: float, step_s: float = _STEP_S) -> None:
    """Return when the condition holds. Raises NotReadyInTime, which names it."""
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            raise NotReadyInTime(f"{what}: not so after {within_s:.0f} s")
        time.sleep(step_s)


def module_folder(module: str) -> Path:
    """Where Go keeps the sources of `module@version`, fetched once and checked against its checksum database."""
    # Outside any module, so that no go.mod has a say.
    answer = run(["go", "mod", "download", "-json", module], cwd=Path("/"), env={"GOTOOLCHAIN": "local"}, timeout_s=600)
    return Path(str(json.loads(answer)["Dir"]))
