"""The Redis of the stack: nothing is evicted, everything is appended to a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

import redis

from ci_cd_testing_deployment.local import ports
from ci_cd_testing_deployment.local.place import Context
from ci_cd_testing_deployment.local.prerequisites import find_redis
from ci_cd_testing_deployment.local.process import Launch

# Feature state must never be dropped silently: a full server refuses writes, which is seen at once.
_MAX_MEMORY: Final = "4gb"
# Enough that each test can have one of its own.
DATABASES: Final = 256


class RedisServer:
    """One Redis on the loopback address."""

    name = "redis"
    ports: Mapping[str, int | None] = {"redis": None}
    depends_on: Final[tuple[str, ...]] = ()
    ready_timeout_s: Final = 300.0  # after a crash it reads its file again, gigabytes of it after a long day

    def check(self, context: Context) -> None:  # noqa: ARG002 — the port's signature
        find_redis()

    def prepare(self, context: Context) -> Launch:
        home = context.place.data(self.name)
        home.mkdir(parents=True, exist_ok=True)
        argv = [find_redis(), *(word for key, value in self.options(context).items() for word in (f"--{key}", value))]
        return Launch(argv, dict(os.environ), home)

    def options(self, context: Context) -> dict[str, str]:
        """The server's settings, as redis.conf names them."""
        return {
            "port": str(context.ports[self.name]),
            "bind": ports.LOOPBACK,
            "dir": str(context.place.data(self.name)),
            "appendonly": "yes",
            "appendfsync": "everysec",
            # Every batch rewrites the records it touches: rewriting the file at each doubling would cost more than it saves.
            "auto-aof-rewrite-percentage": "400",
            "auto-aof-rewrite-min-size": "2gb",
            "save": "",
            "maxmemory": _MAX_MEMORY,
            "maxmemory-policy": "noeviction",
            "databases": str(DATABASES),
            "daemonize": "no",
        }

    def is_ready(self, context: Context) -> bool:
        client = redis.Redis(host=ports.LOOPBACK, port=context.ports[self.name], socket_timeout=2.0)
        try:
            return bool(client.ping())
        except redis.RedisError:  # refused, or still loading its file
            return False
        finally:
            client.close()

    def settings(self, context: Context) -> Mapping[str, str]:
        return {"FRAUD_REDIS_URL": f"redis://{ports.LOOPBACK}:{context.ports['redis']}/0"}
