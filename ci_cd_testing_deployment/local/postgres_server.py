"""The PostgreSQL of the stack: TCP on the loopback address, a generated password, never as root."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psutil
import psycopg2

from ci_cd_testing_deployment.local import ports
from ci_cd_testing_deployment.local.account import ordinary_account, reachable_home, reachable_programs
from ci_cd_testing_deployment.local.errors import DataIncompatible, StackError
from ci_cd_testing_deployment.local.place import Context, Place, write_private
from ci_cd_testing_deployment.local.prerequisites import find_postgres
from ci_cd_testing_deployment.local.process import Account, Launch

USER: Final = "fraud"
DATABASE: Final = "fraud"
_PROGRAM_TIMEOUT_S: Final = 180


def _password(place: Place) -> str:
    path = place.secrets / "postgres.password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text()


def _run_program(argv: list[str], cwd: Path, account: Account | None, said: str = "") -> str:
    """Run one of PostgreSQL's programs to its end as the account; returns what it wrote. Raises StackError."""
    run = subprocess.run(
        argv,
        input=said,
        capture_output=True,
        text=True,
        timeout=_PROGRAM_TIMEOUT_S,
        check=False,
        cwd=cwd,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
    )
    if run.returncode != 0:
        raise StackError(f"{argv[0]} failed: {(run.stdout + run.stderr)[-800:]}")
    return run.stdout


class PostgresServer:
    """One PostgreSQL cluster with one role, which owns the database and may make others."""

    name: Final = "postgres"
    ports: Final[Mapping[str, int | None]] = {"postgres": None}
    depends_on: Final[tuple[str, ...]] = ()
    ready_timeout_s: Final = 90.0

    def check(self, context: Context) -> None:  # noqa: ARG002 — the port's signature
        find_postgres()
        ordinary_account()

    def prepare(self, context: Context) -> Launch:
        account = ordinary_account()
        wanted = context.place.data(self.name)
        home = reachable_home(wanted, account)
        if account is not None and home != wanted:
            context.note(f"user {account.name} cannot reach {wanted}; PostgreSQL keeps its data in {home}")
        found = find_postgres()
        programs = reachable_programs(found, "postgres", home, account)
        data = home / "cluster"
        if not (data / "PG_VERSION").exists():
            self._create(programs, data, _password(context.place), account)
        self._check_version(programs, data, account)
        _remove_stale_lock(data)
        argv = [str(programs / "postgres"), "-D", str(data), "-h", ports.LOOPBACK, "-p", str(context.ports["postgres"])]
        # No Unix socket: its path may not be longer than 107 bytes, and a checkout may lie deep.
        argv += ["-k", "", "-c", "shared_buffers=64MB", "-c", "max_connections=100"]
        # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
        return Launch(argv, dict(os.environ), home, account, stop_signal=signal.SIGINT, stop_timeout_s=30.0)

    def _create(self, programs: Path, data: Path, password: str, account: Account | None) -> None:
        password_file = data.with_name("password")
        write_private(password_file, password)
        if account is not None:
            os.chown(password_file, account.uid, account.gid)
        argv = [str(programs / "initdb"), "-D", str(data), "-U", USER, "-A", "scram-sha-256", "-E", "UTF8"]
        try:
            _run_program([*argv, "--locale=C", f"--pwfile={password_file}"], data.parent, account)
        finally:
            password_file.unlink()
        # Single-user mode: the database is there before the server is, so that ready means usable.
        single = [str(programs / "postgres"), "--single", "-D", str(data), "postgres"]
        _run_program(single, data.parent, account, said=f'CREATE DATABASE "{DATABASE}"\n')

    def _check_version(self, programs: Path, data: Path, account: Account | None) -> None:
        written_by = (data / "PG_VERSION").read_text().strip()
        answer = _run_program([str(programs / "postgres"), "--version"], data.parent, account)
        installed = answer.split()[2].split(".")[0]
        if installed != written_by:
            raise DataIncompatible("PostgreSQL", written_by, installed, data)

    def is_ready(self, context: Context) -> bool:
        try:
            connection = psycopg2.connect(self._dsn(context), connect_timeout=2)
        except psycopg2.OperationalError:
            return False
        connection.close()
        return True

    def settings(self, context: Context) -> Mapping[str, str]:
        return {"FRAUD_POSTGRES_DSN": self._dsn(context)}

    @staticmethod
    def _dsn(context: Context) -> str:
        password = _password(context.place)
        return f"postgresql://{USER}:{password}@{ports.LOOPBACK}:{context.ports['postgres']}/{DATABASE}"


def _remove_stale_lock(data: Path) -> None:
    """Remove postmaster.pid after a crash when its number belongs to a stranger, whom PostgreSQL would take for itself."""
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
        command = psutil.Process(pid).cmdline()
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return
    if str(data) not in command:
        lock.unlink()
