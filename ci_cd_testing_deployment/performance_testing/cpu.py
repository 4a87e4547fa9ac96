"""CPU seconds of a whole process tree and of the servers beside it: what the benchmarks divide by."""

from __future__ import annotations

from collections.abc import Mapping

import psutil


def used_cpu_s(root: psutil.Process, servers: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far of each server (name to pid), and of the JVMs and the rest of the tree below `root`.

    Children that ended are included, as their parents have seen them end. The servers may be children of `root` too.
    Raises psutil.NoSuchProcess when `root` or a server is gone.
    """
    used = dict.fromkeys([*servers, "jvm", "python"], 0.0)
    family = [(name, process) for name, pid in servers.items() for process in _tree(psutil.Process(pid))]
    server_pids = {process.pid for _, process in family}
    family += [(_part(process), process) for process in _tree(root) if process.pid not in server_pids]
    for name, process in family:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # its parent has its time among that of ended children
        used[name] += times.user + times.system + times.children_user + times.children_system
    return used


def _tree(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


def _part(process: psutil.Process) -> str:
    try:
        return "jvm" if process.name() == "java" else "python"
    except psutil.NoSuchProcess:
        return "python"
