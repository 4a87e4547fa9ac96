"""How each service of a stack is doing, measured when asked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from ci_cd_testing_deployment.local import process
from ci_cd_testing_deployment.local.process import ProcessRecord


class State(StrEnum):
    """`crashed` means that it was started and is gone without having been stopped."""

    READY = "ready"
    NOT_READY = "not ready"
    STOPPED = "stopped"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One row of `fraud stack status`; sizes and times cover the process and its children."""

    name: str
    state: State
    ports: Mapping[str, int]
    log: Path
    pid: int | None = None
    uptime_s: float | None = None
    memory_bytes: int | None = None
    cpu_s: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a session of processes takes."""

    uptime_s: float
    memory_bytes: int
    cpu_s: float


def usage(record: ProcessRecord) -> Usage:
    """Sums over the whole session; a process that ends meanwhile counts as nothing."""
    oldest, memory_bytes, cpu_s = time.time(), 0, 0.0
    for member in process.members(record):
        try:
            with member.oneshot():
                memory_bytes += member.memory_info().rss
                times = member.cpu_times()
                cpu_s += times.user + times.system
                oldest = min(oldest, member.create_time())
        except psutil.NoSuchProcess:
            continue
    return Usage(time.time() - oldest, memory_bytes, cpu_s)
