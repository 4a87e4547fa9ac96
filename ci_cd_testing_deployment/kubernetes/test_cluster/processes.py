"""Processes of the cluster: started in its network, remembered by pid and start time, and stopped by these alone."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

from ci_cd_testing_deployment.kubernetes.test_cluster.place import LOGS, NAME, NETWORK, PIDS, RUN, WORK
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import wait_until
from ci_cd_testing_deployment.local import process
from ci_cd_testing_deployment.local.process import Launch

# Each container has a shim of containerd's, which outlives it on purpose.
_CONTAINERD_SHIM: Final = ("-address", str(RUN / "containerd.sock"))
_CONTAINERS_END_WITHIN_S: Final = 20.0


def inside(argv: Sequence[str | Path]) -> list[str]:
    """The same command in the cluster's network. `ip netns exec` would hide the control groups."""
    return ["nsenter", f"--net={NETWORK}", *(str(word) for word in argv)]


def _pid_file(name: str) -> Path:
    return PIDS / f"{name}.json"


def start(name: str, argv: Sequence[str | Path], *, outside: bool = False) -> None:
    """Start a process of the cluster; `outside` of its network for the outer half of a relay."""
    words = [str(word) for word in argv] if outside else inside(argv)
    LOGS.mkdir(parents=True, exist_ok=True)
    PIDS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    log.unlink(missing_ok=True)
    process.spawn(Launch(words, os.environ, WORK), mark=f"{NAME}:{name}", log=log, pid_file=_pid_file(name))


def is_running(name: str) -> bool:
    """Whether the process was started and has not ended."""
    record = process.read_record(_pid_file(name))
    return record is not None and process.is_alive(record)


def started() -> list[str]:
    """Names of all processes that were started and not stopped."""
    return sorted(path.stem for path in PIDS.glob("*.json"))


def stop(name: str) -> None:
    """End the process, if it still is the one that was started."""
    record = process.read_record(_pid_file(name))
    if record is not None:
        process.stop(record)
    _pid_file(name).unlink(missing_ok=True)


def control_groups() -> list[Path]:
    """The cluster's own folder in each hierarchy of control groups (one with version 2)."""
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return [root / NAME]
    return sorted(path / NAME for path in root.iterdir() if (path / "cgroup.procs").exists())


def end_containers() -> None:
    """End every process in the cluster's control groups, and the shims of its containerd."""

    def none_left() -> bool:
        for group in control_groups():
            for member in group.rglob("cgroup.procs") if group.exists() else ():
                for pid in member.read_text().split():
                    _kill(int(pid))
        groups = [group for group in control_groups() if group.exists()]
        return not any(file.read_text().strip() for group in groups for file in group.rglob("cgroup.procs"))

    wait_until(none_left, "containers have ended", _CONTAINERS_END_WITHIN_S)
    for found in psutil.process_iter(["cmdline"]):
        words = found.info["cmdline"] or []
        if any(pair == _CONTAINERD_SHIM for pair in itertools.pairwise(words)):
            _kill(found.pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
