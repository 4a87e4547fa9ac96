"""The local stack: real servers and the applications as child processes, under one run directory.

Several stacks live side by side, each with its own run directory. Everything that runs is known by its pid file,
so any process can go on with what another one started.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from ci_cd_testing_deployment.local import ports as loopback
from ci_cd_testing_deployment.local import process
from ci_cd_testing_deployment.local.account import substitute_for
from ci_cd_testing_deployment.local.apps import APPS
from ci_cd_testing_deployment.local.errors import Busy, NotReady, StackError
from ci_cd_testing_deployment.local.interrupts import interrupts_deferred
from ci_cd_testing_deployment.local.kafka_server import KafkaServer
from ci_cd_testing_deployment.local.place import Context, Place, write_private
from ci_cd_testing_deployment.local.postgres_server import PostgresServer
from ci_cd_testing_deployment.local.process import Launch, ProcessRecord
from ci_cd_testing_deployment.local.progress import Progress, Silent
from ci_cd_testing_deployment.local.redis_server import RedisServer
from ci_cd_testing_deployment.local.service import Service
from ci_cd_testing_deployment.local.setup_steps import STEPS, SetupStep
from ci_cd_testing_deployment.local.status import ServiceStatus, State, usage
from config import CACHE_DIR, ROOT, RUN_DIR

# The order of the table is the order of starting; stopping goes backwards.
SERVICES: tuple[Service, ...] = (KafkaServer(), RedisServer(), PostgresServer(), *APPS)
_POLL_S = 0.1
_TAIL_LINES = 15


class LocalStack:
    """A stack in `run_dir`. As a context manager it stops, at the end, what it started itself.

    patient: whether to wait while another process works on the same run directory, or to raise Busy.
    """

    def __init__(
        self,
        run_dir: Path = RUN_DIR,
        *,
        cache_dir: Path = CACHE_DIR,
        services: Sequence[Service] = SERVICES,
        steps: Sequence[SetupStep] = STEPS,
        progress: Progress | None = None,
        patient: bool = True,
    ) -> None:
        self.place = Place(run_dir.resolve(), cache_dir.resolve())
        self._services = {service.name: service for service in services}
        self._steps = steps
        self._progress: Progress = progress or Silent()
        self._patient = patient
        self._started: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.down(self._started)

    # --- what others read ---

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._services)

    def ports(self) -> dict[str, int]:
        """Ports by name, as last chosen."""
        try:
            chosen: dict[str, int] = json.loads(self.place.ports_file.read_text())
        except FileNotFoundError:
            return {}
        return chosen

    def settings(self) -> dict[str, str]:
        """The FRAUD_ variables by which a program reaches what is running; {} when nothing is."""
        running = [name for name in self._services if self._record_alive(name) is not None]
        return self._settings(running) if running else {}

    def status(self) -> list[ServiceStatus]:
        """One row a service, in the order of starting."""
        return [self._status(service) for service in self._services.values()]

    # --- starting ---

    def up(self, services: Collection[str] | None = None) -> None:
        """Start what is not running yet and wait until all of it is ready.

        services: names to bring up with what they depend on; None means all.
        Raises StackError, with everything that this call started taken down again, as on Ctrl-C.
        """
        chosen = self._closure(self._services if services is None else services)
        self.place.make()
        with self._locked():
            missing = [name for name in chosen if self._record_alive(name) is None]
            self._assign_ports(missing)
            context = self._context(chosen)
            for name in missing:
                self._services[name].check(context)
            begun: list[str] = []
            try:
                self._start(chosen, context, begun)
            except BaseException:
                with interrupts_deferred():
                    self._stop(begun)
                    self._write_env()
                raise
            self._started += begun
            self._write_env()

    def _start(self, chosen: Sequence[str], context: Context, begun: list[str]) -> None:
        ready: set[str] = set()
        pending_steps = [step for step in self._steps if step.server in chosen]
        for name in chosen:
            service = self._services[name]
            for needed in service.depends_on:
                self._await_ready(needed, context, ready)
            if service.depends_on:
                self._run_steps(pending_steps, context, ready)
            if self._record_alive(name) is None:
                with self._progress.step(f"starting {name}"):
                    self._launch(service, context, begun)
        for name in chosen:
            self._await_ready(name, context, ready)
        self._run_steps(pending_steps, context, ready)

    def _run_steps(self, steps: list[SetupStep], context: Context, ready: set[str]) -> None:
        while steps:
            step = steps[0]
            self._await_ready(step.server, context, ready)
            with self._progress.step(f"preparing {step.name}"):
                step.run(context.settings)
            steps.pop(0)

    def _launch(self, service: Service, context: Context, begun: list[str]) -> None:
        self._clear_leftovers(service.name)
        launch = service.prepare(context)
        log = self.place.log(service.name)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        begun.append(service.name)
        process.spawn(
            launch,
            mark=f"{self.place.run_dir}:{service.name}",
            log=log,
            pid_file=self.place.pid_file(service.name),
        )

    def _await_ready(self, name: str, context: Context, ready: set[str]) -> None:
        if name in ready:
            return
        service = self._services[name]
        if not service.is_ready(context):
            with self._progress.step(f"waiting for {name}"):
                self._poll(service, context)
        # Asked at the end too, because somebody else may have answered on its port.
        if self._record_alive(name) is None:
            raise self._not_ready(name, "ended before it was ready")
        ready.add(name)

    def _poll(self, service: Service, context: Context) -> None:
        deadline = time.monotonic() + service.ready_timeout_s
        while not service.is_ready(context):
            record = self._record_alive(service.name)
            if record is None or process.wait_end(record, _POLL_S):
                raise self._not_ready(service.name, "ended before it was ready")
            if time.monotonic() > deadline:
                raise self._not_ready(service.name, f"was not ready within {service.ready_timeout_s:.0f} s")

    def _not_ready(self, name: str, reason: str) -> NotReady:
        log = self.place.log(name)
        tail = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:] if log.exists() else []
        return NotReady(name, reason, log, "\n".join(tail))

    def start_beside(self, name: str, argv: Sequence[str]) -> ProcessRecord:
        """Start a program that uses the stack and is stopped with it; one of this name that runs is stopped first."""
        with self._locked():
            self._clear_leftovers(name)
            env = {**os.environ, **self.settings()}
            launch = Launch(argv, env, ROOT)
            self._started.append(name)
            return process.spawn(
                launch,
                mark=f"{self.place.run_dir}:{name}",
                log=self.place.log(name),
                pid_file=self.place.pid_file(name),
            )

    # --- stopping ---

    def down(self, services: Collection[str] | None = None) -> list[str]:
        """Stop the named services (None: all) and say which were running. Data stays."""
        if not self.place.run_dir.exists():
            return []
        with self._locked(), interrupts_deferred():
            return self._down(services)

    def reset(self) -> None:
        """Stop everything and delete what the servers and the stream have stored. Models stay."""
        if not self.place.run_dir.exists():
            return
        with self._locked(), interrupts_deferred():
            self._down(None)
            # Together, or feature state would meet a log that it does not come from.
            substitute = substitute_for(self.place.data("postgres"))
            for folder in (self.place.run_dir / "data", self.place.bundles, self.place.secrets, substitute):
                if folder.exists():
                    shutil.rmtree(folder)

    def _down(self, services: Collection[str] | None) -> list[str]:
        known = [*self._services, *self.place.recorded(but=self._services)]
        stopped = self._stop([name for name in known if services is None or name in services])
        self._write_env()
        self._started = [name for name in self._started if name not in stopped]
        return stopped

    def _stop(self, names: Sequence[str]) -> list[str]:
        stopped = []
        for name in reversed(names):
            record = process.read_record(self.place.pid_file(name))
            if record is not None and process.is_alive(record):
                with self._progress.step(f"stopping {name}"):
                    process.stop(record)
                stopped.append(name)
            self._clear_leftovers(name)
        return stopped

    def _clear_leftovers(self, name: str) -> None:
        """Forget a process that is gone, and end what it may have left behind."""
        record = process.read_record(self.place.pid_file(name))
        if record is not None:
            process.stop(record)
        self.place.pid_file(name).unlink(missing_ok=True)

    # --- parts ---

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self.place.lock_file.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if self._patient else fcntl.LOCK_NB))
            except BlockingIOError:
                raise Busy(self.place.run_dir) from None
            yield

    def _closure(self, names: Collection[str]) -> list[str]:
        unknown = [name for name in names if name not in self._services]
        if unknown:
            raise StackError(f"no service named {unknown[0]}; there are {', '.join(self._services)}")
        wanted, queue = set(names), list(names)
        while queue:
            for needed in self._services[queue.pop()].depends_on:
                if needed not in wanted:
                    wanted.add(needed)
                    queue.append(needed)
        return [name for name in self._services if name in wanted]

    def _record_alive(self, name: str) -> ProcessRecord | None:
        record = process.read_record(self.place.pid_file(name))
        return record if record is not None and process.is_alive(record) else None

    def _assign_ports(self, names: Sequence[str]) -> None:
        """Give each of the services its ports: those it had before if they are free."""
        chosen = self.ports()
        for name in names:
            for port_name, preferred in self._services[name].ports.items():
                others = [number for other, number in chosen.items() if other != port_name]
                chosen[port_name] = loopback.choose(others, chosen.get(port_name, preferred))
        write_private(self.place.ports_file, json.dumps(chosen, indent=1))

    def _context(self, names: Collection[str]) -> Context:
        return Context(self.place, self.ports(), self._settings(names), self._progress.note)

    def _settings(self, names: Collection[str]) -> dict[str, str]:
        values = {
            "FRAUD_MODEL_DIRECTORY": str(self.place.models),
            "FRAUD_STREAM_BUNDLE_DIR": str(self.place.bundles),
        }
        bare = Context(self.place, self.ports(), {}, self._progress.note)
        for name in names:
            values |= self._services[name].settings(bare)
        return values

    def _write_env(self) -> None:
        values = self.settings()
        if not values:
            self.place.env_file.unlink(missing_ok=True)
            return
        lines = [f"{name}={value}" for name, value in sorted(values.items())]
        head = "# Written by `fraud stack up`: where the running local stack is. Holds a password.\n"
        write_private(self.place.env_file, head + "\n".join(lines) + "\n")

    def _status(self, service: Service) -> ServiceStatus:
        chosen = self.ports()
        shown: Mapping[str, int] = {name: chosen[name] for name in service.ports if name in chosen}
        log = self.place.log(service.name)
        record = process.read_record(self.place.pid_file(service.name))
        if record is None:
            return ServiceStatus(service.name, State.STOPPED, {}, log)
        if not process.is_alive(record):
            return ServiceStatus(service.name, State.CRASHED, {}, log, record.pid)
        takes = usage(record)
        is_ready = service.is_ready(self._context([service.name]))
        return ServiceStatus(
            service.name,
            State.READY if is_ready else State.NOT_READY,
            shown,
            log,
            record.pid,
            takes.uptime_s,
            takes.memory_bytes,
            takes.cpu_s,
        )
