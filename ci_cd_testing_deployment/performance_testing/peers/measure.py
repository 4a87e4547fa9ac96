"""Runs a peer's program to the end of its work, and turns what was seen on the way into rates."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import psutil

from ci_cd_testing_deployment.performance_testing.cpu import used_cpu_s
from ci_cd_testing_deployment.performance_testing.peers.errors import Ended, Silent
from ci_cd_testing_deployment.performance_testing.peers.job import Job, reported_done
from ci_cd_testing_deployment.performance_testing.peers.registry import Peer
from config import ROOT

_POLL_S: Final = 0.2
_SILENCE_S: Final = 300.0  # a first start compiles the kernels
_STOP_S: Final = 20.0
_WARM_UP_SHARE: Final = 0.25
_TAIL_CHARACTERS: Final = 300
_PIPE_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment: events that have gone through, wall clock, CPU seconds of program and servers together."""

    done: int
    at_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured between the warm-up and the end."""

    events: int
    events_per_s: float
    events_per_cpu_s: float
    has_warm_up: bool  # False: too few steps to leave it out, so the start of the program counts


def rates_of(samples: Sequence[Sample]) -> Rates:
    """Rates of the samples, of which the first is the program's start and the last its end.

    The first quarter of the events is left out, unless the samples are too coarse: what then remains is less than
    half of the events.
    """
    begin, end = samples[0], samples[-1]
    warm = next(sample for sample in samples if sample.done >= _WARM_UP_SHARE * end.done)
    has_warm_up = warm.done <= end.done / 2
    if has_warm_up:
        begin = warm
    events = end.done - begin.done
    return Rates(events, events / (end.at_s - begin.at_s), events / (end.cpu_s - begin.cpu_s), has_warm_up)


def run_program(
    peer: Peer, job: Job, python: str, servers: Mapping[str, int], count: Callable[[], int], log: Path
) -> list[Sample]:
    """Samples from the start of the program until all events of the job have gone through.

    count: outputs on the job's sink. The program is stopped before this returns. Raises PeerFailed.
    """
    env = {**os.environ, **job.environment(), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'data-pipeline'}"}
    with (
        log.open("wb") as err,
        subprocess.Popen(
            [python, "-m", peer.program],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            return _watch(peer, job, process, process.stdout, servers, count, log)
        finally:
            _stop(process)


def _watch(
    peer: Peer,
    job: Job,
    process: subprocess.Popen[bytes],
    out: IO[bytes],
    servers: Mapping[str, int],
    count: Callable[[], int],
    log: Path,
) -> list[Sample]:
    root = psutil.Process(process.pid)
    samples = [Sample(0, time.monotonic(), sum(used_cpu_s(root, servers).values()))]
    said = b""
    while (done := samples[-1].done) < job.events:
        if process.poll() is not None:
            raise Ended(peer.name, done, job.events, process.returncode, _tail(log))
        now = done
        if select.select([out], [], [], _POLL_S)[0]:
            *lines, said = (said + os.read(out.fileno(), _PIPE_BYTES)).split(b"\n")
            now = max((number for line in lines if (number := reported_done(line)) is not None), default=done)
        if not peer.is_batched:
            now = count()
        if now > done:
            try:
                samples.append(Sample(now, time.monotonic(), sum(used_cpu_s(root, servers).values())))
            except psutil.NoSuchProcess:
                continue  # ended meanwhile, which is seen above
        elif time.monotonic() - samples[-1].at_s > _SILENCE_S:
            raise Silent(peer.name, done, job.events, _SILENCE_S, _tail(log))
    return samples


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it started: politely, then for good."""
    if process.poll() is not None:
        return
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.terminate()
    _, alive = psutil.wait_procs(family, timeout=_STOP_S)
    for member in alive:
        member.kill()
    psutil.wait_procs(alive, timeout=_STOP_S)


def _tail(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][-_TAIL_CHARACTERS:] if lines else "it said nothing"
