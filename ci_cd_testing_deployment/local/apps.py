"""The applications of the stack, as a table."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.local import ports as loopback
from ci_cd_testing_deployment.local.errors import NotBuilt
from ci_cd_testing_deployment.local.place import Context
from ci_cd_testing_deployment.local.prerequisites import find_java, find_node
from ci_cd_testing_deployment.local.process import Launch
from config import ROOT

SERVERS: Final = ("kafka", "redis", "postgres")
_PROBE_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Need:
    """A file that must exist before the application can start. `where` may name {models} and {cache}."""

    where: str
    what: str
    cure: str

    def path(self, context: Context) -> Path:
        place = context.place
        return ROOT / self.where.format(models=place.models, cache=place.cache_dir)


@dataclass(frozen=True, slots=True)
class App:
    """One application process.

    command:     arguments; `python` and `node` stand for the interpreters.
    port:        what a person expects it to listen on; another one is taken where that is not free.
    port_setting: the FRAUD_ variable that tells the port.
    ready_path:  what answers 200 once it can work; without one it writes the file that FRAUD_READY_FILE names.
    env:         more variables; values may name ports as {dashboard-api}.
    niceness:    how readily it leaves the processor to others, as nice(1) counts.
    """

    name: str
    command: tuple[str, ...]
    depends_on: tuple[str, ...] = SERVERS
    port: int | None = None
    port_setting: str | None = None
    ready_path: str | None = None
    ready_timeout_s: float = 90.0
    env: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    niceness: int = 0

    @property
    def ports(self) -> Mapping[str, int | None]:
        return {} if self.port is None else {self.name: self.port}

    def check(self, context: Context) -> None:
        if self.command[0] == "node":
            find_node()
        if self.name == "stream":
            find_java()
        for need in self.needs:
            if not need.path(context).exists():
                raise NotBuilt(f"{self.name} cannot start: {need.what} is missing", need.cure)

    def prepare(self, context: Context) -> Launch:
        context.place.ready_file(self.name).unlink(missing_ok=True)
        program = find_node() if self.command[0] == "node" else sys.executable
        paths = [str(ROOT), str(ROOT / "data-pipeline"), os.environ.get("PYTHONPATH", "")]
        env = {
            **os.environ,
            **context.settings,
            **{name: self._fill(value, context) for name, value in self.env.items()},
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "PYTHONUNBUFFERED": "1",
            "FRAUD_READY_FILE": str(context.place.ready_file(self.name)),
        }
        argv = [program, *self.command[1:]]
        return Launch(
            ["nice", "-n", str(self.niceness), *argv] if self.niceness else argv, env, ROOT, stop_timeout_s=30.0
        )

    def is_ready(self, context: Context) -> bool:
        if self.ready_path is None:
            return context.place.ready_file(self.name).exists()
        address = f"http://{loopback.LOOPBACK}:{context.ports[self.name]}{self.ready_path}"
        try:
            with urllib.request.urlopen(address, timeout=_PROBE_TIMEOUT_S) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def settings(self, context: Context) -> Mapping[str, str]:
        return {} if self.port_setting is None else {self.port_setting: str(context.ports[self.name])}

    @staticmethod
    def _fill(value: str, context: Context) -> str:
        return value.format_map({name: str(port) for name, port in context.ports.items()})


_MODEL = Need("{models}/active", "a trained model", "train one with `fraud train`")

APPS: Final = (
    App(
        name="stream",
        command=("python", "data-pipeline/spark_streaming.py"),
        ready_timeout_s=180.0,
        niceness=10,  # on one machine with the decision API, whose callers wait for each answer
        needs=(_MODEL,),
    ),
    App(
        name="decision-api",
        command=("python", "fraud_prevention/real_time_fraud_prevention.py"),
        port=8080,
        port_setting="FRAUD_API_PORT",
        ready_path="/readyz",
        needs=(_MODEL,),
    ),
    App(name="sink", command=("python", "-m", "storage_security.sink")),
    App(
        name="dashboard-api",
        command=("python", "visualization_dashboard/backend/main.py"),
        port=8081,
        port_setting="FRAUD_DASHBOARD_API_PORT",
        ready_path="/readyz",
    ),
    App(
        name="dashboard-web",
        command=("node", "visualization_dashboard/frontend/.next/standalone/server.js"),
        depends_on=("dashboard-api",),
        port=3000,
        port_setting="FRAUD_DASHBOARD_WEB_PORT",
        ready_path="/",
        env={
            "HOSTNAME": loopback.LOOPBACK,
            "PORT": "{dashboard-web}",
            "DASHBOARD_API_ORIGIN": f"http://{loopback.LOOPBACK}:{{dashboard-api}}",
        },
        needs=(
            Need(
                "visualization_dashboard/frontend/.next/standalone/server.js",
                "the built dashboard",
                "build it with `make setup`",
            ),
        ),
    ),
)
