"""Processes that this stack started, and the certainty that a pid is still one of them.

A pid alone proves nothing: after a crash or a reboot the number may belong to a stranger. So each pid file holds
the moment the process began as well, and only a process with both is ever signalled.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from ci_cd_testing_deployment.local.interrupts import interrupts_deferred

# In the environment of every process of the stack, so that what an application leaves behind can be recognised.
MARK = "FRAUD_STACK_PROCESS"
# What the leader's children get to end by themselves, and what the kernel gets to end the killed.
_GRACE_S = 5.0
# How often a wait looks for zombies, of which the kernel tells nobody but the parent.
_STEP_S = 0.05

# Children of this very process, which stay zombies until it reaps them.
_children: set[int] = set()


@dataclass(frozen=True, slots=True)
class Account:
    """The user a server runs as, where it is not the one who started the stack."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a process. `stop_signal` asks it to end; what is left after `stop_timeout_s` is killed."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 20.0


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """Content of a pid file. `began` identifies the process together with `pid`."""

    pid: int
    began: str
    command: list[str]
    mark: str
    stop_signal: int
    stop_timeout_s: float


def _began(pid: int) -> str | None:
    """When the process began, as text that no other process with this pid can share; None where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
        try:  # no /proc on this system
            return f"{psutil.Process(pid).create_time():.3f}"
        except psutil.NoSuchProcess:
            return None
    # The command stands in parentheses and may hold anything; after it come the state, and later the number of
    # threads and the start time.
    fields = stat.rpartition(")")[2].split()
    # A killed server is a zombie as soon as its first thread has gone; until the last one has, it holds its ports.
    has_ended = fields[0] in {"Z", "X"} and int(fields[17]) <= 1
    return None if has_ended else f"{boot}:{fields[19]}"


def _reap(pid: int) -> None:
    if pid not in _children:
        return
    try:
        ended, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # psutil was first
        ended = pid
    if ended == pid:
        _children.discard(pid)


def is_alive(record: ProcessRecord) -> bool:
    """Whether the very process of the record is running (a zombie is not)."""
    _reap(record.pid)
    return _began(record.pid) == record.began


def spawn(launch: Launch, *, mark: str, log: Path, pid_file: Path) -> ProcessRecord:
    """Start the process in a session of its own and record it; its output is appended to `log`."""
    account = launch.account
    with log.open("ab") as output, interrupts_deferred():
        child = subprocess.Popen(
            list(launch.argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=launch.cwd,
            env={**launch.env, MARK: mark},
            start_new_session=True,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )
        _children.add(child.pid)
        child.returncode = 0  # it outlives its handle on purpose, which would warn of it otherwise
        record = ProcessRecord(
            pid=child.pid,
            began=_began(child.pid) or "ended at once",
            command=list(launch.argv),
            mark=mark,
            stop_signal=int(launch.stop_signal),
            stop_timeout_s=launch.stop_timeout_s,
        )
        partial = pid_file.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(record)))
        partial.replace(pid_file)
    return record


def read_record(pid_file: Path) -> ProcessRecord | None:
    """The recorded process, alive or not; None without a (readable) pid file."""
    try:
        return ProcessRecord(**json.loads(pid_file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def members(record: ProcessRecord) -> list[psutil.Process]:
    """Every process of the session that the recorded one leads or led.

    Once the leader has gone, its number may lead a stranger's session, so the others must carry the stack's mark.
    """
    led_by_ours = is_alive(record)
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) != record.pid or not _runs(process):
                continue
            if led_by_ours or process.environ().get(MARK) == record.mark:
                found.append(process)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def wait_end(record: ProcessRecord, timeout_s: float) -> bool:
    """Wait until the process has ended; False when it is still running after the time."""
    deadline = time.monotonic() + timeout_s
    while is_alive(record):
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return False
        try:
            psutil.Process(record.pid).wait(timeout=min(left_s, _STEP_S))
        except (psutil.NoSuchProcess, psutil.TimeoutExpired):
            continue
    return True


def _runs(member: psutil.Process) -> bool:
    # A zombie has ended, even if its parent takes its time to notice.
    return member.is_running() and _began(member.pid) is not None


def _wait_all(processes: list[psutil.Process]) -> None:
    """Return when all of them have ended, or after the grace time."""
    deadline = time.monotonic() + _GRACE_S
    for member in processes:
        while _runs(member) and time.monotonic() < deadline:
            try:
                member.wait(timeout=_STEP_S)
            except psutil.TimeoutExpired:
                continue


def stop(record: ProcessRecord) -> bool:
    """End the recorded process and its session; False where nothing of it was running.

    Asks first, kills what is left after the record's time-out, and returns when all have gone.
    """
    session = members(record)
    if is_alive(record):
        os.kill(record.pid, record.stop_signal)
        wait_end(record, record.stop_timeout_s)
        _wait_all(session)
    left = members(record)  # looked up again: one may have been started meanwhile
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    _wait_all(left)
    _reap(record.pid)
    return bool(session)
